#include "command/conversation.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "command/talk_bed.h"

namespace command {
namespace {

TEST(Conversation, AnswersWhatIsWholeAndLeavesTheRest) {
  TalkBed bed;
  EXPECT_EQ(bed.talk->feed("PING\nPI"), 5u);
  EXPECT_EQ(bed.take(), "PONG\n");
  EXPECT_FALSE(bed.talk->idle());
  EXPECT_EQ(bed.talk->feed("PING\n"), 5u);
  EXPECT_EQ(bed.take(), "PONG\n");
  EXPECT_TRUE(bed.talk->idle());
}

TEST(Conversation, HalfACommandAndTheEndLeaveNothingBehind) {
  TalkBed bed;
  bed.say("*5\r\n$11\r\nCL.THROTTLE\r\n$1\r\nk");
  EXPECT_FALSE(bed.talk->idle());
  bed.connect();
  EXPECT_EQ(bed.line("PING"), "PONG\n");
}

// However the bytes are cut, the answers are the same: batches end where the bytes do.
RC_GTEST_PROP(Conversation, AnswersDoNotDependOnHowTheBytesArrive, ()) {
  static const std::vector<std::string> kRequests = {
      "PING\n",
      "CL.THROTTLE k 4 1 1\n",
      "CHECK api tenant=acme\n",
      "CHECK api \"tenant=\\u0061cme\" COST 2\n",
      "CHECK api tenant=acme COST x\n",
      "CHECK nowhere tenant=acme\n",
      "nonsense\n",
      "ECHO \"a b\"\n",
      "WHY api tenant=acme\n",
      "CL.THROTTLE k 4 0 1\n",
      "CL.THROTTLE j 0 7 3 1\n",
      "FORGET api tenant=acme\n",
      "\"half\n",
  };
  const auto picks =
      *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, kRequests.size()));
  std::string bytes;
  for (const size_t pick : picks) bytes += kRequests[pick];
  TalkBed whole, cut;
  const std::string expected = whole.say(bytes);
  RC_ASSERT(static_cast<size_t>(std::ranges::count(expected, '\n')) == picks.size());
  std::string got;
  for (size_t at = 0; at < bytes.size();) {
    const size_t size = *rc::gen::inRange<size_t>(1, 60);
    got += cut.say(std::string_view(bytes).substr(at, size));
    at += size;
  }
  RC_ASSERT(got == expected);
}

TEST(Conversation, ABatchLongerThanItsBoundIsAnsweredInOrder) {
  TalkBed bed;
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += resp({"CL.THROTTLE", "k", "1999", "1", "1"});
  const std::string out = bed.say(bytes);
  size_t at = 0;
  for (int i = 1999; i >= 1000; --i) {
    const std::string expected = "*5\r\n:0\r\n:2000\r\n:" + std::to_string(i) +
                                 "\r\n:-1\r\n:" + std::to_string(2000 - i) + "\r\n";
    ASSERT_EQ(out.substr(at, expected.size()), expected);
    at += expected.size();
  }
  EXPECT_EQ(at, out.size());
}

TEST(Conversation, ABadDecisionIsAnsweredBehindTheGoodOnesBeforeIt) {
  TalkBed bed;
  EXPECT_EQ(bed.say("CL.THROTTLE a 0 1 1\nCL.THROTTLE a 0 x 1\nCL.THROTTLE a 0 1 1\nPING\n"
                    "CL.THROTTLE a 0 1 1\nnonsense\n"),
            "[0,1,0,-1,1]\n"
            "ERR count must be an integer between 0 and 9223372036854775807\n"
            "[1,1,0,1,1]\nPONG\n[1,1,0,1,1]\nERR unknown command\n");
}

TEST(Conversation, ALineOfOneMegabyteIsRefusedOnceAndTheNextOneRuns) {
  TalkBed bed;
  const std::string bytes = std::string(1 << 20, 'a') + "\nPING\n";
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += 4096) {
    out += bed.say(std::string_view(bytes).substr(at, 4096));
  }
  EXPECT_EQ(out, "ERR line too long\nPONG\n");
}

TEST(Conversation, ThreeHundredDescriptorsAreRefused) {
  TalkBed bed;
  std::string line = "CHECK api";
  for (int i = 0; i < 300; ++i) line += " tenant=" + std::to_string(i);
  EXPECT_EQ(bed.line(line), "ERR at most 32 descriptors\n");
  std::vector<std::string_view> words(302, "tenant=a");
  words[0] = "CHECK";
  bed.connect();
  EXPECT_EQ(bed.say(resp(words)), "-ERR at most 32 descriptors\r\n");
}

TEST(Conversation, ABodyOverTheBoundIsRefusedAndTheConnectionGoesOn) {
  TalkBed bed;
  const std::string big((1 << 20) + 1, 'b');
  const std::string out = bed.say(resp({"ECHO", big}) + resp({"PING"}));
  EXPECT_TRUE(out.starts_with("-ERR body of 1048577 bytes is over the bound of 1048576")) << out;
  EXPECT_TRUE(out.ends_with("\r\n+PONG\r\n"));
}

TEST(Conversation, AnUnknownVerbIsShownShortenedAndWithoutControlBytes) {
  TalkBed bed;
  const std::string out = bed.say(resp({std::string(100, 'x') + "\r\n"}));
  EXPECT_EQ(out, "-ERR unknown command '" + std::string(64, 'x') + "…'\r\n");
  EXPECT_EQ(bed.say(resp({"a\r\n+OK"})), "-ERR unknown command 'a  +OK'\r\n");
}

TEST(Conversation, NothingIsReadBehindQuit) {
  TalkBed bed;
  EXPECT_EQ(bed.talk->feed("QUIT\nPING\n"), 5u);
  EXPECT_EQ(bed.take(), "OK\n");
  EXPECT_TRUE(bed.talk->closing());
  EXPECT_EQ(bed.talk->feed("PING\n"), 0u);
}

TEST(Conversation, LongAnswersStopTheFeedUntilTheyAreSent) {
  TalkBed bed;
  std::string bytes;
  for (int i = 0; i < 10'000; ++i) bytes += "COMMAND DOCS\n";
  bed.unread = bytes;
  size_t most = 0;
  int feeds = 0;
  do {
    bed.unread.erase(0, bed.talk->feed(bed.unread));
    most = std::max(most, bed.take().size());
    ++feeds;
  } while (bed.talk->more());
  EXPECT_TRUE(bed.unread.empty());
  EXPECT_GT(feeds, 10);
  EXPECT_LT(most, Conversation::kOutBytesMax + (1 << 16));
}

TEST(Conversation, TheServerDomainLimitsCommandsPerClient) {
  TalkBed bed({script_limits(), server_limits()});
  EXPECT_EQ(bed.say("PING\nPING\nCL.THROTTLE k 9 1 1\nPING\nCL.THROTTLE k 9 1 1\nnonsense\n"),
            "PONG\nPONG\n[0,10,9,-1,1]\n"
            "LIMITED by client_ip retry_after_ms=334\n"
            "LIMITED by client_ip retry_after_ms=334\n"
            "LIMITED by client_ip retry_after_ms=334\n");
  bed.clock.pass(std::chrono::milliseconds(334));
  // The refused CL.THROTTLE did not run.
  EXPECT_EQ(bed.line("CL.THROTTLE k 9 1 1"), "[0,10,8,-1,2]\n");
}

TEST(Conversation, TheServerDomainLimitsAllClientsTogetherAndNeverQuitOrShutdown) {
  TalkBed bed({server_limits()});
  for (const std::string address : {"192.0.2.1", "192.0.2.2", "192.0.2.3"}) {
    bed.connect(address);
    EXPECT_EQ(bed.say("PING\nPING\n"), address != "192.0.2.3" ? "PONG\nPONG\n"
                                                              : "PONG\nLIMITED by scope_global "
                                                                "retry_after_ms=200\n");
  }
  EXPECT_EQ(bed.line("QUIT"), "OK\n");
  bed.connect();
  EXPECT_EQ(bed.line("SHUTDOWN"), "BYE\n");
}

TEST(Counters, CountCallsByVerbAndErrorsByCode) {
  TalkBed bed;
  bed.say("PING\nPING\nnonsense\nCHECK nowhere a=1\nCL.THROTTLE k 0 1 1\nCL.THROTTLE k 0 0 1\n");
  bed.say("BLOCK nowhere a=1 1\nECHO \"ERR not an error\"\nECHO LIMITED\nHELLO 9\n");
  bed.connect("192.0.2.1", false);
  bed.say("SHUTDOWN\n");
  metric::Families families;
  bed.counters.collect(families);
  const std::string text = families.text();
  for (const char* line : {"ratelimmq_command_calls_total{verb=\"PING\"} 2\n",
                           "ratelimmq_command_calls_total{verb=\"CL.THROTTLE\"} 2\n",
                           "ratelimmq_command_calls_total{verb=\"unknown\"} 1\n",
                           "ratelimmq_command_calls_total{verb=\"WHY\"} 0\n",
                           "ratelimmq_command_errors_total{code=\"ERR\"} 2\n",
                           "ratelimmq_command_errors_total{code=\"NOTFOUND\"} 2\n",
                           "ratelimmq_command_errors_total{code=\"NOPERM\"} 1\n",
                           "ratelimmq_command_errors_total{code=\"LIMITED\"} 0\n",
                           "ratelimmq_command_errors_total{code=\"other\"} 1\n",
                           "ratelimmq_command_duration_seconds_count"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

}  // namespace
}  // namespace command

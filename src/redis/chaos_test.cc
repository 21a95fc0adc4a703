// A server that is stopped, goes on, and throws its clients out, while calls with all sorts of
// deadlines are on their way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <sstream>

#include "base/random.h"
#include "redis/client_bed.h"

namespace redis {
namespace {

using redis_bed::TestServer;

base::Duration now() { return std::chrono::steady_clock::now().time_since_epoch(); }

struct Sent {
  base::Duration until{};
  std::string end{};
  base::Duration late{};
  int ends = 0;
};

class Chaos : public testing::TestWithParam<uint64_t> {
 protected:
  Chaos() : random_(GetParam()) {}

  base::Duration up_to(int ms) {
    return std::chrono::milliseconds(1 + random_.below(static_cast<uint64_t>(ms)));
  }

  void send_some() {
    const uint64_t count = 1 + random_.below(20);
    for (uint64_t i = 0; i < count; ++i) {
      const size_t number = sent_.size();
      const base::Duration deadline = random_.below(4) == 0 ? up_to(300) : up_to(20);
      sent_.push_back({.until = now() + deadline});
      const std::string id = std::to_string(number);
      bed_.client->send(Bed::Words{"RPUSH", "ids", id}, {}, deadline,
                        [this, number](base::Result<Reply>&& reply) { ended(number, reply); });
    }
  }

  void ended(size_t number, const base::Result<Reply>& reply) {
    Sent& call = sent_[number];
    ++call.ends;
    call.end = reply ? "reply" : shown(reply);
    call.late = now() - call.until;
  }

  void disturb() {
    switch (random_.below(5)) {
      case 0:
        server_.pause();
        bed_.run_for(up_to(random_.below(3) == 0 ? 250 : 40));
        server_.go_on();
        break;
      case 1:
        server_.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
        break;
      case 2:
        server_.command({"CLIENT", "PAUSE", std::to_string(up_to(40).count() / 1'000'000), "ALL"});
        break;
      default:
        bed_.run_for(up_to(20));
    }
  }

  // How often each was run.
  std::map<size_t, int> runs() {
    std::map<size_t, int> out;
    std::istringstream lines(server_.command({"LRANGE", "ids", "0", "-1"}));
    for (std::string line; std::getline(lines, line);) ++out[std::stoul(line)];
    return out;
  }

  base::Random random_;
  TestServer server_;
  Bed bed_{server_};
  std::deque<Sent> sent_;
};

TEST_P(Chaos, ACallEndsOnceInTimeAndWhatWasNotSentWasNotRun) {
  ASSERT_TRUE(bed_.connect());
  const base::Duration end = now() + 1200ms;
  while (now() < end) {
    for (uint64_t i = random_.below(4); i > 0; --i) {
      send_some();
      bed_.run_for(up_to(4));
    }
    disturb();
  }
  bed_.run_for(400ms);
  const std::map<size_t, int> ran = runs();
  std::map<std::string, int> kinds;
  for (size_t i = 0; i < sent_.size(); ++i) {
    const Sent& call = sent_[i];
    const int times = ran.contains(i) ? ran.at(i) : 0;
    ASSERT_EQ(call.ends, 1) << i;
    EXPECT_LE(times, 1) << i << ": nothing is sent twice";
    EXPECT_TRUE(call.end != "reply" || times == 1) << i;
    EXPECT_TRUE(call.end != "kIo" || times == 0) << i << ": it was not sent";
    EXPECT_LT(call.late, 250ms) << i;  // What a busy machine takes.
    ++kinds[call.end];
  }
  EXPECT_GT(kinds["reply"], 100);
  EXPECT_GT(kinds["kUnknown"], 0);
  EXPECT_TRUE(bed_.ask_until("'PONG'", {"PING"}));
  EXPECT_EQ(bed_.client->in_flight(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Chaos, testing::Values(1, 2, 3));

}  // namespace
}  // namespace redis

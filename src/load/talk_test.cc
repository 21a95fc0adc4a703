// What each server answers is understood, wherever its bytes are cut.
#include "load/talk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace load {
namespace {

using testing::ElementsAre;

// Owes the answers to `verbs`, and writes down what it is told.
class Script final : public Answered {
 public:
  explicit Script(std::vector<Verb> verbs) : verbs_(verbs.begin(), verbs.end()) {}
  Verb oldest() override { return verbs_.front(); }
  bool owed() override { return !verbs_.empty(); }
  void answered(const Answer& answer) override {
    static constexpr const char* kKinds[] = {"ok", "refused", "empty", "error"};
    std::string line = kKinds[static_cast<size_t>(answer.kind)];
    if (verbs_.front() == Verb::kAck && answer.kind == Answer::Kind::kOk)
      line += ' ' + std::to_string(answer.count);
    if (verbs_.front() == Verb::kEnqueue || answer.kind == Answer::Kind::kError)
      line += ' ' + std::string(answer.text);
    for (const Message& one : answer.messages) {
      line += " (" + std::string(one.receipt) + ' ' + std::string(one.body);
      if (one.attempt > 0)
        line += ' ' + std::to_string(one.attempt) + ' ' + std::to_string(one.until_ms);
      line += ')';
    }
    told.push_back(line);
    verbs_.pop_front();
  }
  std::vector<std::string> told;

 private:
  std::deque<Verb> verbs_;
};

Work work_of(Wire wire) {
  Work work;
  work.wire = wire;
  work.mix = {{Verb::kEnqueue, 1}};
  work.host = "localhost";
  work.spelling.body_bytes = 4;
  return work;
}

// All of `bytes` in one piece, cut at each place, and byte by byte; what was told each time alike.
std::vector<std::string> understood(Wire wire, const std::vector<Verb>& verbs,
                                    const std::string& bytes) {
  std::vector<std::string> whole;
  for (size_t step = bytes.size(); step > 0; step = step == 1 ? 0 : step * 2 / 3) {
    for (size_t first = step; first > 0; first -= std::min(first, step / 3 + 1)) {
      const auto talk = make_talk(work_of(wire), 0);
      Script script(verbs);
      std::string in;
      for (size_t at = 0, size = first; at < bytes.size(); at += size, size = step) {
        in += bytes.substr(at, size);
        const base::Result<size_t> used = talk->take(in, script);
        EXPECT_TRUE(used.has_value()) << used.error().what;
        if (!used) return script.told;
        in.erase(0, *used);
      }
      EXPECT_EQ(in, "");
      if (whole.empty()) whole = script.told;
      EXPECT_EQ(script.told, whole) << "cut by " << step << ", first " << first;
    }
  }
  return whole;
}

std::string spoken(Wire wire, const Ask& ask) {
  std::string out;
  make_talk(work_of(wire), 0)->put(out, ask);
  return out;
}

using enum Verb;

TEST(Talk, RespTellsDecisionsMessagesAndErrorsApart) {
  EXPECT_THAT(understood(Wire::kResp,
                         {kPing, kCheck, kCheck, kThrottle, kThrottle, kEnqueue, kDequeue, kDequeue,
                          kAck, kAck},
                         "+PONG\r\n"
                         "*4\r\n$7\r\nallowed\r\n:1\r\n$10\r\nlimited_by\r\n$-1\r\n"
                         "*2\r\n$7\r\nallowed\r\n:0\r\n"
                         "*5\r\n:0\r\n:16\r\n:15\r\n:-1\r\n:2\r\n"
                         "*5\r\n:1\r\n:16\r\n:0\r\n:1\r\n:2\r\n"
                         "$3\r\nm01\r\n"
                         "*2\r\n*12\r\n$7\r\nreceipt\r\n$2\r\nr1\r\n$4\r\nbody\r\n$4\r\na\r\nb\r\n"
                         "$7\r\nattempt\r\n:2\r\n$14\r\nlease_until_ms\r\n:99\r\n$7\r\nheaders\r\n"
                         "*2\r\n$4\r\nbody\r\n$1\r\nz\r\n$3\r\nkey\r\n$-1\r\n"
                         "*4\r\n$7\r\nreceipt\r\n$2\r\nr2\r\n$4\r\nbody\r\n$0\r\n\r\n"
                         "*0\r\n"
                         ":2\r\n"
                         "-STALE it is over\r\n"),
              ElementsAre("ok", "ok", "refused", "ok", "refused", "ok m01",
                          "ok (r1 a\r\nb 2 99) (r2 )", "empty", "ok 2", "error STALE it is over"));
}

TEST(Talk, LinesTellDecisionsMessagesAndErrorsApart) {
  EXPECT_THAT(
      understood(Wire::kLine,
                 {kPing, kCheck, kCheck, kThrottle, kEnqueue, kDequeue, kDequeue, kAck, kCheck},
                 "PONG\n{\"allowed\":true,\"limit\":5}\n{\"allowed\":false,\"limit\":5}\n"
                 "[1,16,0,1,2]\nm01\n"
                 "[{\"queue\":\"q\",\"receipt\":\"r1\",\"body\":\"a\\nb\",\"attempt\":1,"
                 "\"lease_until_ms\":7,\"headers\":{\"body\":\"z\"}}]\nNIL\n1\n"
                 "NOTFOUND no domain 'bench'\n"),
      ElementsAre("ok", "ok", "refused", "refused", "ok m01", "ok (r1 a\nb 1 7)", "empty", "ok 1",
                  "error NOTFOUND no domain 'bench'"));
}

TEST(Talk, HttpTellsStatusesBodiesAndChunksApart) {
  EXPECT_THAT(
      understood(
          Wire::kHttp, {kCheck, kCheck, kEnqueue, kDequeue, kDequeue, kAck, kRequest},
          "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"allowed\":true}"
          "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\n{}"
          "HTTP/1.1 100 Continue\r\n\r\n"
          "HTTP/1.1 201 Created\r\nContent-Length: 15\r\n\r\n{\"ids\":[\"m01\"]}"
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          "1a\r\n{\"messages\":[{\"receipt\":\"r\r\n13\r\n1\",\"body\":\"abcd\"}]}\r\n0\r\n\r\n"
          "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"messages\":[]}"
          "HTTP/1.1 200 OK\r\nContent-Length: 61\r\n\r\n"
          "{\"results\":[{\"receipt\":\"r1\",\"ok\":true},{\"ok\":false,\"c\":\"x\"}]}"
          "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"),
      ElementsAre("ok", "refused", "ok m01", "ok (r1 abcd)", "empty", "ok 1",
                  "error HTTP 404: none"));
}

TEST(Talk, RedisTellsListsScriptsAndErrorsApart) {
  EXPECT_THAT(
      understood(Wire::kRedis, {kPing, kIncr, kGcra, kGcra, kDequeue, kDequeue, kDequeue, kRequest},
                 "+PONG\r\n:7\r\n*2\r\n:0\r\n:0\r\n*2\r\n:1\r\n:500\r\n$4\r\nabcd\r\n$-1\r\n"
                 "*2\r\n$1\r\na\r\n$1\r\nb\r\n-WRONGTYPE no\r\n"),
      ElementsAre("ok", "ok", "ok", "refused", "ok ( abcd)", "empty", "ok ( a) ( b)",
                  "error WRONGTYPE no"));
}

TEST(Talk, BeanstalkTellsJobsFromEmptyTubesAndErrors) {
  EXPECT_THAT(understood(Wire::kBeanstalk, {kEnqueue, kDequeue, kDequeue, kAck, kAck},
                         "INSERTED 12\r\nRESERVED 12 6\r\nab\r\ncd\r\nTIMED_OUT\r\nDELETED\r\n"
                         "NOT_FOUND\r\n"),
              ElementsAre("ok 12", "ok (12 ab\r\ncd)", "empty", "ok 1", "error NOT_FOUND"));
}

TEST(Talk, NatsTellsStoredPulledAndNoneApartAndAnswersAPing) {
  EXPECT_THAT(understood(Wire::kNats, {kEnqueue, kDequeue, kDequeue, kAck, kPing},
                         "PING\r\nMSG _INBOX.1.0 1 27\r\n{\"stream\":\"bench\",\"seq\":12}\r\n"
                         "MSG bench 1 $JS.ACK.a.b 6\r\nab\r\ncd\r\n"
                         "HMSG _INBOX.1.0 1 28 28\r\nNATS/1.0 404 No Messages\r\n\r\n\r\n"
                         "MSG _INBOX.1.0 1 0\r\n\r\nPONG\r\n"),
              ElementsAre("ok ", "ok ($JS.ACK.a.b ab\r\ncd)", "empty", "ok 1", "ok"));
}

std::string confirm(uint8_t tag, bool up_to) {
  return std::string("\x01\x00\x01\x00\x00\x00\x0d\x00\x3c\x00\x50\0\0\0\0\0\0\0", 18) +
         static_cast<char>(tag) + static_cast<char>(up_to) + '\xce';
}

TEST(Talk, RabbitCountsEachConfirmOnceInWhateverOrderTheyCome) {
  EXPECT_THAT(
      understood(Wire::kRabbit, {kEnqueue, kEnqueue, kEnqueue, kEnqueue, kEnqueue},
                 confirm(2, false) + confirm(3, true) + confirm(3, false) + confirm(5, true)),
      ElementsAre("ok ", "ok ", "ok ", "ok ", "ok "));
}

TEST(Talk, WhatIsNoAnswerIsRefusedAndNotWaitedFor) {
  const std::pair<Wire, std::string> bad[] = {
      {Wire::kResp, "?what\r\n"},
      {Wire::kResp, "$99999999999\r\n"},
      {Wire::kResp, "*1x\r\n"},
      {Wire::kHttp, "SSH-2.0-OpenSSH\r\n\r\n"},
      {Wire::kHttp, "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"},
      {Wire::kHttp, "HTTP/1.1 200 OK\r\n\r\n"},
      {Wire::kBeanstalk, "RESERVED x\r\n"},
      {Wire::kNats, "MSG a\r\n"},
      {Wire::kNats, "MSG a 1 -5\r\n"},
      {Wire::kNats, "-ERR 'Authorization Violation'\r\n"},
      {Wire::kRabbit, std::string("\x01\x00\x00\x7f\xff\xff\xff", 7)},
  };
  for (const auto& [wire, bytes] : bad) {
    Script script({kDequeue});
    EXPECT_FALSE(make_talk(work_of(wire), 0)->take(bytes, script).has_value()) << bytes;
  }
}

TEST(Talk, RequestsAreSpelledAsTheirServersReadThem) {
  const Ask enqueue{.verb = kEnqueue, .draw = {.key = 5, .number = 42}};
  EXPECT_EQ(spoken(Wire::kResp, enqueue), "*3\r\n$7\r\nENQUEUE\r\n$5\r\nbench\r\n$4\r\nxxxx\r\n");
  EXPECT_EQ(spoken(Wire::kLine, enqueue), "ENQUEUE bench xxxx\n");
  EXPECT_EQ(spoken(Wire::kRedis, enqueue), "*3\r\n$5\r\nLPUSH\r\n$5\r\nbench\r\n$4\r\nxxxx\r\n");
  EXPECT_EQ(spoken(Wire::kBeanstalk, enqueue), "put 1024 0 600 4\r\nxxxx\r\n");
  EXPECT_EQ(spoken(Wire::kLine, {.verb = kCheck, .draw = {.key = 5}}),
            "CHECK bench key=key:000000000005\n");
  EXPECT_EQ(spoken(Wire::kHttp, {.verb = kCheck, .draw = {.key = 5}}),
            "POST /v1/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Content-Length: 63\r\n\r\n"
            "{\"domain\":\"bench\",\"descriptors\":[[[\"key\",\"key:000000000005\"]]]}");
  const std::vector<std::string> receipts = {"r1", "r2"};
  EXPECT_EQ(spoken(Wire::kLine, {.verb = kAck, .receipts = receipts}), "ACK r1 r2\n");
  EXPECT_EQ(spoken(Wire::kResp, {.verb = kAck, .receipts = receipts}),
            "*3\r\n$3\r\nACK\r\n$2\r\nr1\r\n$2\r\nr2\r\n");
}

TEST(Stencil, HolesAreFilledAndTheRestIsAsItWas) {
  Spelling spelling{.queue = "q", .queues = 10, .body_bytes = 25, .tag = "0badcafe"};
  const Stencil stencil("{queue} {key} {body} {other} {number}", spelling);
  std::string out = ">";
  stencil.append(out, {.key = 7, .number = 123'456'789'012, .queue = 9});
  EXPECT_EQ(out, ">q000009 key:000000000007 0badcafe-123456789012xxxx {other} 123456789012");
  EXPECT_EQ(out.size(), stencil.bytes() + 1);
  EXPECT_EQ(spelling.body_name(123'456'789'012), "0badcafe-123456789012");
}

}  // namespace
}  // namespace load

#include "load/recorder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "history/history.h"

namespace load {
namespace {

Work recorded_work() {
  Work work;
  work.spelling.tag = "0badcafe";
  work.message_keys = work.dedup = true;
  work.durability = Durability::kFsync;
  work.lease_ms = 30'000;
  return work;
}

Open opened(Verb verb, std::vector<std::string> receipts = {}) {
  return {.verb = verb,
          .draw = {.key = 3, .number = 7},
          .since = base::time_from(50),
          .sent = base::time_from(100),
          .receipts = std::move(receipts)};
}

class RecorderTest : public testing::Test {
 protected:
  // What is in the file after `told` has written its lines.
  template <typename Told>
  std::string written(Told&& told) {
    const Law law{.count = 100, .burst = 5, .period = std::chrono::seconds(1)};
    auto file = Recorder::make(path_);
    EXPECT_TRUE(file.has_value());
    (*file)->add(Lines::head(work_, &law));
    {
      Lines lines(**file, work_);
      told(lines);
    }
    EXPECT_TRUE((*file)->close().has_value());
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }
  void TearDown() override { std::filesystem::remove(path_); }

  const Work work_ = recorded_work();
  const std::string path_ = testing::TempDir() + "load_history_" + std::to_string(::getpid());
};

history::History read(const std::string& text) {
  history::Reader reader;
  reader.begin_file();
  EXPECT_TRUE(reader.feed(text).has_value());
  EXPECT_TRUE(reader.end_file().has_value());
  return reader.take();
}

TEST_F(RecorderTest, EachOutcomeIsWrittenAsTheCheckerReadsIt) {
  const base::Time now = base::time_from(900);
  const std::string body = work_.spelling.body_name(7) + "-xxxx";
  const Message message{.queue = "bench",
                        .id = "m 1",
                        .receipt = "r1",
                        .body = body,
                        .key = "key:000000000003",
                        .attempt = 1,
                        .priority = 1024,
                        .enqueued_ms = 5,
                        .until_ms = 30'006};
  const std::string text = written([&](Lines& lines) {
    lines.answered("c0.1", opened(Verb::kEnqueue), {.text = "m 1"}, now);
    lines.answered("c0.1", opened(Verb::kDequeue), {.messages = {&message, 1}}, now);
    lines.answered("c0.1", opened(Verb::kDequeue), {.kind = Answer::Kind::kEmpty}, now);
    lines.answered("c0.1", opened(Verb::kAck, {"r1"}), {.count = 1}, now);
    lines.answered("c0.1", opened(Verb::kAck, {"r2", "r3"}), {.count = 1}, now);
    lines.answered("c0.1", opened(Verb::kAck, {"r4"}),
                   {.kind = Answer::Kind::kError, .text = "STALE it is over"}, now);
    lines.answered("c0.1", opened(Verb::kCheck), {}, now);
    lines.answered("c0.1", opened(Verb::kCheck), {.kind = Answer::Kind::kRefused}, now);
    lines.unknown(opened(Verb::kEnqueue), now);
    lines.unknown(opened(Verb::kDequeue), now);
    lines.unknown(opened(Verb::kCheck), now);
    lines.closed("c0.1", base::time_from(800), now);
  });
  EXPECT_NE(text.find("enqueue 100 900 ok bench 0badcafe-000000000007 id=m%201 "
                      "key=key:000000000003 dedup=id-0badcafe000000000007\n"),
            std::string::npos)
      << text;
  const history::History found = read(text);
  using enum history::Outcome;
  ASSERT_EQ(found.enqueues.size(), 2u);
  EXPECT_EQ(found.enqueues[0].outcome, kOk);
  EXPECT_EQ(found.enqueues[1].outcome, kInfo);
  ASSERT_EQ(found.deliveries.size(), 1u);
  EXPECT_EQ(found.deliveries[0].payload, found.enqueues[0].payload);
  EXPECT_EQ(found.deliveries[0].id, found.enqueues[0].id);
  EXPECT_EQ(found.deliveries[0].lease, 30'000 * history::kMillisecond);
  ASSERT_EQ(found.settles.size(), 4u);
  EXPECT_EQ(found.settles[0].outcome, kOk);
  EXPECT_EQ(found.settles[1].outcome, kInfo);  // One of two was stale; which is not said.
  EXPECT_EQ(found.settles[2].outcome, kInfo);
  EXPECT_EQ(found.settles[3].outcome, kFail);
  ASSERT_EQ(found.checks.size(), 3u);
  EXPECT_EQ(found.checks[0].outcome, kOk);
  EXPECT_EQ(found.checks[1].outcome, kFail);
  EXPECT_EQ(found.checks[2].outcome, kInfo);
  EXPECT_EQ(found.limits.size(), 2u);
}

TEST_F(RecorderTest, AFileThatCannotBeMadeIsAnErrorThatNamesTheFlag) {
  const auto file = Recorder::make("/nowhere/history");
  ASSERT_FALSE(file.has_value());
  EXPECT_TRUE(file.error().what.starts_with("--record: /nowhere/history: "));
}

TEST(CheckWork, WhatAServerCannotDoIsRefusedByTheFlagThatAskedForIt) {
  const auto told = [](Wire wire, Shape shape, std::vector<Share> mix, bool open_loop = false) {
    Work work;
    work.wire = wire;
    work.shape = shape;
    work.mix = std::move(mix);
    const base::Status status = check_work(work, open_loop);
    return status ? std::string() : status.error().what.substr(0, 7);
  };
  EXPECT_EQ(told(Wire::kResp, Shape::kMix, {{Verb::kCheck, 8}, {Verb::kEnqueue, 1}}), "");
  EXPECT_EQ(told(Wire::kResp, Shape::kMix, {{Verb::kIncr, 1}}), "--work:");
  EXPECT_EQ(told(Wire::kRabbit, Shape::kCycle, {}), "--work:");
  EXPECT_EQ(told(Wire::kNats, Shape::kCycle, {}), "");
  EXPECT_EQ(told(Wire::kNats, Shape::kCycle, {}, true), "--work:");
  EXPECT_EQ(told(Wire::kNats, Shape::kMix, {{Verb::kPing, 1}, {Verb::kEnqueue, 1}}), "--work:");
  EXPECT_EQ(told(Wire::kRedis, Shape::kMix, {{Verb::kRequest, 1}}), "--reque");
}

}  // namespace
}  // namespace load

#include <gtest/gtest.h>

#include "command/errand.h"
#include "command/forage.h"
#include "command/replies.h"
#include "command/talk_bed.h"

namespace command {
namespace {

// Keeps runs until the test lets them go.
class HeldShards final : public Shards {
 public:
  explicit HeldShards(Shards& real) : real_(real) {}
  uint32_t count() const override { return real_.count(); }
  void submit(std::unique_ptr<engine::Run> run) override { held.push_back(std::move(run)); }
  void leave(uint64_t connection) override { left.push_back(connection); }
  void let_go() {
    for (auto& run : std::exchange(held, {})) real_.submit(std::move(run));
  }

  std::vector<std::unique_ptr<engine::Run>> held;
  std::vector<uint64_t> left;

 private:
  Shards& real_;
};

struct HeldBed : TalkBed {
  HeldBed() {
    held = std::make_unique<HeldShards>(shards);
    talk = std::make_unique<Conversation>(
        Services{limiter, clock, process, counters, held.get()},
        Caller{.address = "127.0.0.1", .admin = true, .connection_id = 77}, protocol::Bounds{},
        [this] { ++readies; });
  }
  ~HeldBed() { talk.reset(); }
  std::unique_ptr<HeldShards> held;
};

std::string lines(size_t n, std::string_view line) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text.append(line).append("\n");
  return text;
}

TEST(Errand, PipelinedVerbsTravelAsOneRun) {
  HeldBed bed;
  const std::string text = lines(100, "ENQUEUE q body") + "QUEUE STATS q\n";
  EXPECT_EQ(bed.talk->feed(text), text.size());
  ASSERT_EQ(bed.held->held.size(), 1u);
  EXPECT_EQ(bed.held->held[0]->requests.size(), 101u);
  EXPECT_EQ(bed.take(), "");
  bed.held->let_go();
  bed.shards.pump();
  const std::string answers = bed.take();
  EXPECT_EQ(std::ranges::count(answers, '\n'), 101);
  EXPECT_NE(answers.find("\"enqueued\":100"), std::string::npos);
}

TEST(Errand, AnotherKindOfVerbEndsTheRunAndTheOrderStays) {
  HeldBed bed;
  bed.talk->feed("ENQUEUE q a\nPING\nENQUEUE q b\nACK x\nQUEUES\n");
  EXPECT_EQ(bed.held->held.size(), 3u);
  bed.held->let_go();
  bed.shards.pump();
  const std::string answers = bed.take();
  EXPECT_TRUE(answers.starts_with("m0")) << answers;
  EXPECT_NE(answers.find("\nPONG\nm0"), std::string::npos) << answers;
  EXPECT_NE(answers.find("\nSTALE receipt 'x' is not valid\n[{"), std::string::npos) << answers;
}

TEST(Errand, ARunEndsAtItsBoundAndAConnectionWaitsWhenTooMuchIsUnderWay) {
  HeldBed bed;
  const std::string body(60'000, 'x');
  const std::string text = lines(200, "ENQUEUE q " + body);
  const size_t used = bed.talk->feed(text);
  EXPECT_LT(used, text.size());
  EXPECT_TRUE(bed.talk->waiting());
  EXPECT_LT(used, kAskedBytesMax + 3 * Errand::kBytesMax);
  bed.held->let_go();
  bed.shards.pump();
  EXPECT_FALSE(bed.talk->waiting());
  HeldBed many;
  many.talk->feed(lines(Errand::kCommandsMax + 1, "ENQUEUE q x"));
  EXPECT_EQ(many.held->held.size(), 2u);
  many.held->let_go();
  many.shards.pump();
}

TEST(Errand, AnswersThatComeBackInAnyOrderLeaveInTheirOwn) {
  HeldBed bed;
  bed.talk->feed("ENQUEUE q a\nPING one\nENQUEUE q b\nPING two\n");
  ASSERT_EQ(bed.held->held.size(), 2u);
  std::swap(bed.held->held[0], bed.held->held[1]);
  bed.held->let_go();
  bed.shards.pump();
  EXPECT_TRUE(bed.take().ends_with("two\n"));
}

TEST(Errand, AConnectionThatEndsLeavesAndItsRunStillComesBack) {
  HeldBed bed;
  bed.talk->feed("ENQUEUE q a\n");
  bed.talk.reset();
  EXPECT_EQ(bed.held->left, std::vector<uint64_t>{77});
  bed.held->let_go();
  bed.shards.pump();
  bed.connect();
  EXPECT_NE(bed.line("DEQUEUE q").find("\"body\":\"a\""), std::string::npos);
  HeldBed silent;
  silent.talk->feed("PING\n");
  silent.talk.reset();
  EXPECT_TRUE(silent.held->left.empty());
}

// Queues of both shards.
std::vector<std::string> queues_of(uint32_t shard, size_t n) {
  std::vector<std::string> names;
  for (int i = 0; names.size() < n; ++i) {
    const std::string name = "q" + std::to_string(i);
    if (engine::shard_of(name, 2) == shard) names.push_back(name);
  }
  return names;
}

TEST(Forage, ServesQueuesInTheirOrderWhateverShardTheyLiveIn) {
  TalkBed bed;
  const auto a = queues_of(0, 2), b = queues_of(1, 1);
  for (const std::string& queue : {a[0], b[0], a[1]}) bed.line("ENQUEUE " + queue + " " + queue);
  const std::string out = bed.line("DEQUEUE " + a[1] + " " + b[0] + " " + a[0] + " COUNT 3");
  const size_t first = out.find("\"body\":\"" + a[1]), second = out.find("\"body\":\"" + b[0]),
               third = out.find("\"body\":\"" + a[0]);
  ASSERT_NE(third, std::string::npos) << out;
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
}

TEST(Forage, OneShardAnswersTheOtherGivesNothing) {
  TalkBed bed;
  const auto a = queues_of(0, 1), b = queues_of(1, 1);
  EXPECT_EQ(bed.line("DEQUEUE " + a[0] + " " + b[0] + " WAIT 1000 COUNT 2"), "");
  EXPECT_TRUE(bed.talk->waiting());
  Conversation other(Services{bed.limiter, bed.clock, bed.process, bed.counters, &bed.shards},
                     Caller{.address = "127.0.0.1", .admin = true, .connection_id = 99},
                     protocol::Bounds{}, [] {});
  other.feed("ENQUEUE " + b[0] + " x\nENQUEUE " + a[0] + " y\n");
  const std::string out = bed.go_on();
  EXPECT_EQ(std::ranges::count(out, '\n'), 1) << out;
  // What the claim did not take is still there.
  const bool both =
      out.find("\"x\"") != std::string::npos && out.find("\"y\"") != std::string::npos;
  const std::string rest = bed.line("DEQUEUE " + a[0] + " " + b[0]);
  EXPECT_NE(both, rest.find("\"body\"") != std::string::npos) << out << rest;
}

}  // namespace
}  // namespace command

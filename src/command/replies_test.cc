// Answers that are given later, through a private table of verbs.
#include "command/replies.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "command/talk_bed.h"

namespace command {
namespace {

// Promises that the verbs below gave. Verbs are plain functions, so the test's thread keeps them.
thread_local std::vector<Later> promises;

void run_now(Call& call) { call.answer().text(call.word(1)); }
void run_later(Call& call) { promises.push_back(call.defer(false)); }
void run_wait(Call& call) { promises.push_back(call.defer(true)); }
void run_bye(Call& call) {
  call.close_after();
  promises.push_back(call.defer(false));
}
void run_kept(Call& call) {  // Promised and filled before feed() ends.
  Later later = call.defer(true);
  later.fill([](protocol::Writer& writer) { writer.text("kept"); });
}

constexpr Verb row(std::string_view name, int words, void (*run)(Call&)) {
  return {.name = name,
          .arguments = "",
          .answers = "",
          .help = "",
          .theme = Theme::kServer,
          .words_min = words,
          .words_max = words,
          .flags = kPlain,
          .run = run};
}

constexpr Verb kRows[] = {row("NOW", 2, run_now), row("LATER", 1, run_later),
                          row("WAIT", 1, run_wait), row("BYE", 1, run_bye),
                          row("KEPT", 1, run_kept)};

struct LaterBed : TalkBed {
  LaterBed() : TalkBed({}, table()) { promises.clear(); }
  ~LaterBed() { promises.clear(); }
  static const VerbTable& table() {
    static const VerbTable table(kRows);
    return table;
  }
  static void fill(size_t i, std::string_view text) {
    promises[i].fill([&](protocol::Writer& writer) { writer.text(text); });
  }
};

TEST(Replies, AnOwedAnswerHoldsBackThoseBehindItAndNotTheRequests) {
  LaterBed bed;
  EXPECT_EQ(bed.say("NOW a\nLATER\nNOW b\nNOW c\n"), "a\n");
  EXPECT_FALSE(bed.talk->waiting());
  EXPECT_FALSE(bed.talk->idle());
  bed.fill(0, "later");
  EXPECT_EQ(bed.readies, 1);
  EXPECT_EQ(bed.take(), "later\nb\nc\n");
  EXPECT_TRUE(bed.talk->idle());
  EXPECT_EQ(bed.line("NOW d"), "d\n");
}

TEST(Replies, AnswersLeaveInOrderHoweverTheyAreFilled) {
  LaterBed bed;
  EXPECT_EQ(bed.say("LATER\nNOW a\nLATER\nLATER\nNOW b\n"), "");
  bed.fill(2, "three");
  bed.fill(1, "two");
  EXPECT_EQ(bed.readies, 0);
  EXPECT_EQ(bed.take(), "");
  bed.fill(0, "one");
  EXPECT_EQ(bed.readies, 1);
  EXPECT_EQ(bed.take(), "one\na\ntwo\nthree\nb\n");
}

RC_GTEST_PROP(Replies, AnyOrderOfFillingGivesTheSameBytes, ()) {
  LaterBed bed;
  const auto kinds = *rc::gen::container<std::vector<bool>>(rc::gen::arbitrary<bool>());
  std::string expected, got;
  std::vector<size_t> order;
  for (size_t i = 0; i < kinds.size(); ++i) {
    const std::string name = "n" + std::to_string(i);
    got += bed.line(kinds[i] ? "LATER" : "NOW " + name);
    expected += name + "\n";
    if (kinds[i]) order.push_back(i);
  }
  const std::vector<size_t> places = order;
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[*rc::gen::inRange<size_t>(0, i)]);
  }
  for (const size_t i : order) {
    const auto promise = static_cast<size_t>(std::ranges::find(places, i) - places.begin());
    bed.fill(promise, "n" + std::to_string(i));
    got += bed.take();
  }
  RC_ASSERT(got == expected);
  RC_ASSERT(bed.talk->idle());
}

TEST(Replies, AVerbThatHoldsUpStopsTheFeedBehindIt) {
  LaterBed bed;
  const std::string bytes = "NOW a\nWAIT\nNOW b\n";
  EXPECT_EQ(bed.talk->feed(bytes), 11u);
  EXPECT_EQ(bed.take(), "a\n");
  EXPECT_TRUE(bed.talk->waiting());
  EXPECT_EQ(bed.talk->feed("NOW b\n"), 0u);
  bed.fill(0, "done");
  EXPECT_EQ(bed.readies, 1);
  EXPECT_FALSE(bed.talk->waiting());
  EXPECT_EQ(bed.talk->feed("NOW b\n"), 6u);
  EXPECT_EQ(bed.take(), "done\nb\n");
}

TEST(Replies, AHoldThatEndsBehindAnOwedAnswerLetsRequestsGoOn) {
  LaterBed bed;
  bed.say("LATER\nWAIT\nNOW a\n");
  EXPECT_TRUE(bed.talk->waiting());
  bed.fill(1, "two");
  EXPECT_EQ(bed.readies, 1);
  EXPECT_EQ(bed.take(), "");
  EXPECT_FALSE(bed.talk->waiting());
  EXPECT_EQ(bed.say(""), "");
  bed.fill(0, "one");
  EXPECT_EQ(bed.take(), "one\ntwo\na\n");
}

TEST(Replies, FillingAfterTheConnectionHasGoneDoesNothing) {
  LaterBed bed;
  bed.say("LATER\nWAIT\n");
  bed.talk.reset();
  bed.fill(0, "nobody");
  promises.clear();
  EXPECT_EQ(bed.readies, 0);
}

TEST(Replies, APromiseThatIsDroppedSaysThatItMayHaveHappened) {
  LaterBed bed;
  bed.say("LATER\n");
  promises.clear();
  EXPECT_EQ(bed.take(), "UNKNOWN no answer was given: it may have happened\n");
  metric::Families families;
  bed.counters.collect(families);
  EXPECT_NE(families.text().find("errors_total{code=\"UNKNOWN\"} 1"), std::string::npos);
}

TEST(Replies, OnReadyIsNotCalledInsideFeed) {
  LaterBed bed;
  EXPECT_EQ(bed.say("KEPT\nNOW a\n"), "kept\na\n");
  EXPECT_EQ(bed.readies, 0);
}

TEST(Replies, OnReadyMayDestroyTheConversation) {
  LaterBed bed;
  bed.talk =
      std::make_unique<Conversation>(Services{bed.limiter, bed.clock, bed.process, bed.counters},
                                     Caller{}, protocol::Bounds{}, [&bed] { bed.talk.reset(); });
  bed.say("LATER\n");
  bed.fill(0, "gone");
  EXPECT_EQ(bed.talk, nullptr);
}

TEST(Replies, AnOwedGoodbyeIsSentBeforeTheConnectionCloses) {
  LaterBed bed;
  bed.say("LATER\nBYE\nNOW a\n");
  EXPECT_FALSE(bed.talk->closing());
  EXPECT_TRUE(bed.talk->waiting());
  bed.fill(1, "bye");
  EXPECT_FALSE(bed.talk->closing());
  bed.fill(0, "one");
  EXPECT_EQ(bed.take(), "one\nbye\n");
  EXPECT_TRUE(bed.talk->closing());
}

TEST(Replies, TooManyOwedAnswersHoldUpTheRequests) {
  LaterBed bed;
  std::string bytes;
  for (size_t i = 0; i < kOwedMax + 10; ++i) bytes += "LATER\n";
  EXPECT_EQ(bed.talk->feed(bytes), kOwedMax * 6);
  EXPECT_TRUE(bed.talk->waiting());
  bed.fill(0, "one");
  EXPECT_FALSE(bed.talk->waiting());
  EXPECT_EQ(bed.readies, 1);
}

TEST(Replies, TooMuchParkedBehindAnOwedAnswerHoldsUpTheRequests) {
  LaterBed bed;
  const std::string now = "NOW " + std::string(60'000, 'x') + "\n";
  std::string bytes = "LATER\n";
  for (int i = 0; i < 100; ++i) bytes += now;
  const size_t used = bed.talk->feed(bytes);
  EXPECT_LT(used, kParkedBytesMax + 2 * now.size());
  EXPECT_TRUE(bed.talk->waiting());
  bed.fill(0, "one");
  EXPECT_EQ(bed.readies, 1);
  EXPECT_FALSE(bed.talk->waiting());
}

TEST(Replies, ALaterAnswerIsSpeltInTheProtocolOfItsRequest) {
  LaterBed bed;
  EXPECT_EQ(bed.say(resp({"LATER"})), "");
  bed.fill(0, "x");
  EXPECT_EQ(bed.take(), "$1\r\nx\r\n");
}

// A verb of one connection may give another of the same thread its answer, which then feeds.
thread_local Conversation* other_talk = nullptr;
void run_wake(Call& call) {
  call.answer().text("woke");
  promises[0].fill([](protocol::Writer& writer) { writer.text("awake"); });
}
constexpr Verb kWakeRows[] = {row("NOW", 2, run_now), row("WAIT", 1, run_wait),
                              row("WAKE", 1, run_wake)};

TEST(Replies, AnAnswerToAnotherConnectionMayMakeItFeedInsideOurs) {
  promises.clear();
  const VerbTable table(kWakeRows);
  TalkBed bed({}, table);
  Conversation waiter(Services{bed.limiter, bed.clock, bed.process, bed.counters}, Caller{},
                      protocol::Bounds{}, [] { other_talk->feed("NOW b\nNOW c\n"); });
  other_talk = &waiter;
  EXPECT_EQ(waiter.feed("WAIT\n"), 5u);
  EXPECT_EQ(bed.say("NOW a\nWAKE\nNOW d\n"), "a\nwoke\nd\n");
  EXPECT_EQ(waiter.out(), "awake\nb\nc\n");
  promises.clear();
}

}  // namespace
}  // namespace command

// An engine whose limits are decided far away: answers come when the test says so.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "engine/test_bed.h"
#include "limiter/openings.h"

namespace engine {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Asks a Limiter in the name of somebody far away.
class Far final : public limiter::Taker {
 public:
  using Ask = limiter::Ask;
  using Terms = limiter::TakeTerms;
  using Taken = base::Result<std::optional<limiter::Obstacle>>;
  Far(limiter::Limiter& there, std::function<void(base::Hash128)> tell)
      : there_(there), tell_(std::move(tell)) {}

  Taken take(const Ask& ask, const Terms& terms, base::Time now, limiter::Answer*) override {
    Asked& asked = asked_[key_of(ask, terms)];
    if (asked.tickets > 0) {
      --asked.tickets;
      return std::optional<limiter::Obstacle>();
    }
    if (asked.in_flight) {
      if (std::exchange(asked.expected, false) && terms.waits_at) asked.state = *terms.waits_at;
      return awaited(asked);
    }
    if (asked.refusal && asked.heard == now) return asked.refusal;
    Ask dry = ask;
    dry.dry_run = true;
    auto turn = there_.take(dry, terms, now);
    if (!turn || (*turn && (*turn)->taken_turn)) return turn;
    send(asked, ask, terms);
    return awaited(asked);
  }
  uint64_t expect(const Ask& ask, const Terms& terms, base::Time) override {
    Asked& asked = asked_[key_of(ask, terms)];
    if (asked.in_flight || asked.tickets > 0) return 0;
    send(asked, ask, terms);
    asked.expected = true;
    return 1;
  }
  // Those who were sent for are answered, as one call would.
  size_t answer(base::Time now) {
    std::deque<Sent> sent;
    sent.swap(sent_);
    for (const Sent& each : sent) {
      const Ask ask{
          .domain = each.domain, .descriptors = each.descriptors->get(), .cost = each.cost};
      Asked& asked = asked_[each.key];
      asked.in_flight = false;
      asked.refusal = *there_.take(ask, {.hold_id = each.hold_id, .ttl = hours(1)}, now);
      asked.heard = now;
      if (!asked.refusal) ++asked.tickets;
      tell_(asked.state);
    }
    return sent.size();
  }
  size_t in_flight() const { return sent_.size(); }

  void untake(const Ask& ask, const Terms& terms, base::Time) override {
    ++asked_[key_of(ask, terms)].tickets;
  }
  void release(const Ask& ask, uint64_t hold, base::Time now) override {
    there_.release(ask, hold, now);
  }
  void renew(const Ask& ask, uint64_t hold, base::Time until, base::Time now) override {
    there_.renew(ask, hold, until, now);
  }
  void restore(const Ask& ask, uint64_t hold, base::Time until, base::Time now) override {
    there_.restore(ask, hold, until, now);
  }
  limiter::Answer look(const Ask& ask, base::Time now) override { return there_.look(ask, now); }
  void watch(base::Hash128 state, uint32_t watcher) override { there_.watch(state, watcher); }
  void unwatch(base::Hash128 state, uint32_t watcher) override { there_.unwatch(state, watcher); }
  base::Result<base::Time> promise(const Ask&, uint64_t, base::Time) override {
    return base::Error{base::Code::kFull, "far away", {}};
  }
  void withdraw(uint64_t) override {}

 private:
  struct Asked {
    base::Hash128 state{};
    bool in_flight = false, expected = false;
    int tickets = 0;
    std::optional<limiter::Obstacle> refusal;
    base::Time heard{};
  };
  struct Sent {
    std::string key, domain;
    std::unique_ptr<limiter::DescriptorCopy> descriptors;
    int64_t cost;
    uint64_t hold_id;
  };

  static std::string key_of(const Ask& ask, const Terms& terms) {
    std::string key;
    for (const limiter::Descriptor each : ask.descriptors) key += limiter::to_string(each) + ';';
    return key + std::to_string(ask.cost) + '.' + std::to_string(terms.hold_id);
  }
  static limiter::Obstacle awaited(const Asked& asked) {
    limiter::Obstacle obstacle{.state = asked.state, .limited_by = "far"};
    obstacle.asking = true;
    obstacle.sent_for = 1;
    return obstacle;
  }
  void send(Asked& asked, const Ask& ask, const Terms& terms) {
    const std::string key = key_of(ask, terms);
    asked.in_flight = true;
    asked.expected = false;
    asked.state = terms.waits_at.value_or(base::hash128(key, 99));
    sent_.push_back({key, std::string(ask.domain),
                     std::make_unique<limiter::DescriptorCopy>(ask.descriptors), ask.cost,
                     terms.hold_id});
  }

  limiter::Limiter& there_;
  const std::function<void(base::Hash128)> tell_;
  std::map<std::string, Asked> asked_;
  std::deque<Sent> sent_;
};

struct FarBed : TestBed {
  explicit FarBed(std::vector<limiter::NodeSpec> nodes)
      : TestBed({}, domain(std::move(nodes)), Closed{}) {
    open(far);
    set("q", [](queue::Settings& s) { s.decide = {"out", {"all=x", "key={key}"}}; });
  }
  void send(const std::string& key, int times = 1, int64_t cost = 1) {
    for (int i = 0; i < times; ++i) {
      Message message;
      message.body = message.key = key;
      message.cost = cost;
      enqueue("q", message);
    }
  }
  Request& wait_for(base::Duration wait = hours(1), uint32_t count = 1) {
    Dequeue asked;
    asked.queues = {&name, 1};
    asked.wait = wait;
    asked.count = count;
    return start(asked);
  }
  // So many who wait are there all the time; a millisecond there and back.
  void work(size_t consumers, base::Duration span) {
    for (const base::Time end = now + span; now < end;) {
      while (waiting.size() < consumers) waiting.insert(&wait_for());
      pass(milliseconds(1));
      most = std::max(most, far.in_flight());
      far.answer(now);
      turn();
      std::erase_if(waiting, [this](Request* each) {
        if (!is_done(*each)) return false;
        for (const Delivery& delivery : std::get<Dequeue>(each->what).deliveries)
          ++got[body(delivery)], ++all;
        return true;
      });
    }
  }

  const std::string_view name = "q";
  Far far{*limiter, [this](base::Hash128 state) { freed.push_back(state); }};
  std::set<Request*> waiting;
  std::map<std::string, int> got;
  int all = 0;
  size_t most = 0;
};

TEST(Far, NoMoreIsAskedForThanConsumersWant) {
  FarBed bed({node("all", gcra(1000, seconds(1), 1000))});
  for (int i = 0; i < 100; ++i) bed.send("k" + std::to_string(i));
  Request& first = bed.wait_for();
  Request& second = bed.wait_for(hours(1), 2);
  bed.turn();
  EXPECT_EQ(bed.far.in_flight(), 3u);
  EXPECT_FALSE(bed.is_done(first));
  bed.far.answer(bed.now);
  bed.turn();
  EXPECT_TRUE(bed.is_done(first));
  EXPECT_EQ(std::get<Dequeue>(second.what).deliveries.size(), 2u) << "what came together";
}

TEST(Far, WhoDoesNotWaitIsAnsweredWithTheLastAnswer) {
  FarBed bed({node("key", gcra(1, hours(1), 1))});
  bed.send("a", 2);
  Request& first = bed.wait_for({});
  bed.turn();
  EXPECT_FALSE(bed.is_done(first));
  bed.far.answer(bed.now);
  bed.turn();
  ASSERT_TRUE(bed.is_done(first));
  EXPECT_EQ(std::get<Dequeue>(first.what).deliveries.size(), 1u);
  Request& second = bed.wait_for({});
  bed.turn();
  EXPECT_FALSE(bed.is_done(second));
  bed.far.answer(bed.now);
  bed.turn();
  ASSERT_TRUE(bed.is_done(second)) << "at once, in the same instant";
  EXPECT_TRUE(std::get<Dequeue>(second.what).deliveries.empty());
  Request& third = bed.wait_for({});
  bed.turn();
  EXPECT_TRUE(bed.is_done(third)) << "nothing is on its way";
}

TEST(Far, WhoDoesNotWaitGivesUpIfNobodyAnswers) {
  FarBed bed({node("key", gcra(1, hours(1), 1))});
  bed.send("a");
  Request& request = bed.wait_for({});
  bed.pass(milliseconds(60));
  EXPECT_TRUE(bed.is_done(request));
  EXPECT_TRUE(std::get<Dequeue>(request.what).deliveries.empty());
}

TEST(Far, ALimitThatManyKeysWaitAtIsUsedUpThoughAnswersTakeTheirTime) {
  FarBed bed({node("all", gcra(5000, seconds(1), 200))});
  for (int i = 0; i < 300; ++i) bed.send("k" + std::to_string(i), 20);
  bed.work(40, seconds(1));
  EXPECT_GE(bed.all, 0.99 * (200 + 5000));
  EXPECT_LE(bed.all, 200 + 5000);
  EXPECT_LE(bed.most, 80u);
}

TEST(Far, ALimitThatRefusesIsAskedForOneAtATime) {
  FarBed bed({node("all", gcra(10, seconds(1), 1))});
  for (int i = 0; i < 300; ++i) bed.send("k" + std::to_string(i), 40);
  bed.work(40, milliseconds(300));  // At first all are asked for, since nobody has refused.
  bed.most = 0;
  bed.all = 0;
  bed.work(40, seconds(2));
  EXPECT_EQ(bed.all, 20);
  EXPECT_LE(bed.most, 3u);
}

TEST(Far, ALargeCostDoesNotStarveBehindSmallOnes) {
  FarBed bed({node("all", gcra(10, seconds(1), 10))});
  bed.send("large", 5, 10);
  bed.send("small", 200);
  bed.work(4, seconds(15));
  EXPECT_GE(bed.got["large"], 5);
  EXPECT_GE(bed.got["small"], 50);
}

TEST(Far, ABlockedKeyDelaysNoOther) {
  FarBed bed({node("key", gcra(1, hours(1), 1))});
  for (int i = 0; i < 20; ++i) bed.send("k" + std::to_string(i), 3);
  bed.work(2, milliseconds(200));
  EXPECT_EQ(bed.all, 20) << "one of each";
}

}  // namespace
}  // namespace engine

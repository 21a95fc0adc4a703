// Random operations on the table and on the simplest thing that could be right: a map of states
// that is never swept, under the same laws.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>
#include <type_traits>
#include <variant>

#include "base/random.h"
#include "limiter/test_table.h"

namespace limiter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using limit::Concurrency;
using limit::Decision;
using limit::SlidingLog;

struct States {  // Of one key: the one of its law is in use.
  limit::GcraState gcra;
  limit::WindowState window;
  limit::CounterState counter;
  limit::LogState log;
  limit::HoldState holds;

  auto& of(const limit::Gcra&) { return gcra; }
  auto& of(const limit::FixedWindow&) { return window; }
  auto& of(const limit::SlidingCounter&) { return counter; }
  auto& of(const SlidingLog&) { return log; }
  auto& of(const Concurrency&) { return holds; }
};

template <typename L>
constexpr bool kInPlace = std::is_same_v<L, SlidingLog> || std::is_same_v<L, Concurrency>;

bool is_holds(const Hit& hit) { return std::holds_alternative<Concurrency>(*hit.law); }

class Model {
 public:
  TestTable::Answer decide(const std::vector<Hit>& hits, base::Time now, Purpose purpose,
                           HoldTerms hold) {
    TestTable::Answer answer{true, {}};
    for (const Hit& hit : hits) {
      answer.decisions.push_back(check(hit, hit.cost, now));
      answer.allowed &= answer.decisions.back().allowed || hit.shadow;
    }
    for (size_t i = 0; i < hits.size(); ++i) {
      Decision& decision = answer.decisions[i];
      if (!decision.allowed) continue;
      const bool tested = is_holds(hits[i]) ? purpose != Purpose::kTake : purpose == Purpose::kPeek;
      if (answer.allowed && !tested) {
        charge(hits[i], now, hold);
      } else {
        const Decision uncharged = check(hits[i], 0, now);
        decision.remaining = uncharged.remaining;
        decision.reset_after = uncharged.reset_after;
      }
    }
    return answer;
  }

  void forget(const Hit& hit) { keys_.erase(hit.key.low); }
  bool release(const Hit& hit, uint64_t id, base::Time now) {
    return std::get<Concurrency>(*hit.law).release(keys_[hit.key.low].holds, now, id);
  }
  bool renew(const Hit& hit, uint64_t id, base::Time until, base::Time now) {
    return std::get<Concurrency>(*hit.law).renew(keys_[hit.key.low].holds, now, id, until);
  }
  void give_back(const Hit& hit, base::Time charged, int64_t cost, base::Time now) {
    with(hit, [&]<typename L>(const L& law, auto& state) {
      if constexpr (std::is_same_v<L, SlidingLog>) {
        law.give_back(state, charged, cost, now);
      } else if constexpr (!kInPlace<L>) {
        state = law.give_back(state, charged, cost, now);
      }
    });
  }
  int64_t charge_over(const Hit& hit, base::Time now, int64_t cost, int64_t overdraft) {
    int64_t charged = 0;
    with(hit, [&]<typename L>(const L& law, auto& state) {
      if constexpr (std::is_same_v<L, SlidingLog>) {
        charged = law.charge_over(state, now, cost, overdraft);
      } else if constexpr (!kInPlace<L>) {
        state = law.charge_over(state, now, cost, overdraft, charged);
      }
    });
    return charged;
  }

 private:
  template <typename Visit>
  void with(const Hit& hit, Visit&& visit) {
    std::visit([&](const auto& law) { visit(law, keys_[hit.key.low].of(law)); }, *hit.law);
  }
  Decision check(const Hit& hit, int64_t cost, base::Time now) {
    Decision decision;
    with(hit, [&]<typename L>(const L& law, const auto& state) {
      if constexpr (kInPlace<L>) {
        decision = law.check(state, now, cost);
      } else {
        decision = law.check(state, now, cost).decision;
      }
    });
    return decision;
  }
  void charge(const Hit& hit, base::Time now, HoldTerms hold) {
    if (hit.cost == 0) return;
    with(hit, [&]<typename L>(const L& law, auto& state) {
      if constexpr (std::is_same_v<L, Concurrency>) {
        law.take(state, now, hold.id, now + hold.ttl);
      } else if constexpr (std::is_same_v<L, SlidingLog>) {
        law.charge(state, now, hit.cost);
      } else {
        state = law.check(state, now, hit.cost).next;
      }
    });
  }

  std::map<uint64_t, States> keys_;
};

bool same(const Decision& a, const Decision& b) {
  return a.allowed == b.allowed && a.limit == b.limit && a.remaining == b.remaining &&
         a.retry_after == b.retry_after && a.reset_after == b.reset_after;
}
bool same(const TestTable::Answer& a, const TestTable::Answer& b) {
  return a.allowed == b.allowed &&
         std::equal(a.decisions.begin(), a.decisions.end(), b.decisions.begin(), b.decisions.end(),
                    [](const auto& x, const auto& y) { return same(x, y); });
}

// One life of both: each key has one of the laws for ever.
class Lives {
 public:
  Lives(uint64_t seed, uint64_t keys) : random_(seed), keys_(keys) {}

  void step() {
    now_ += milliseconds(random_.below(30));
    switch (random_.below(16)) {
      case 0:
        return sweep();
      case 1:
        return give_back();
      case 2:
        return charge_over();
      case 3:
        return end_hold();
      case 4:
        return forget();
      default:
        return decide();
    }
  }

 private:
  Hit hit() {
    static const std::array<Law, 5> kLaws = {per_second(5, 8), window_of(6, seconds(1)),
                                             counter_of(6, seconds(1)), log_of(6, seconds(1)),
                                             holds_of(3, seconds(2))};
    const uint64_t key = random_.below(keys_);
    const Law& law = kLaws[key % kLaws.size()];
    const bool holds = std::holds_alternative<Concurrency>(law);
    Hit hit = bed_.hit(key, law, holds ? 1 : static_cast<int64_t>(random_.below(4)));
    hit.shadow = random_.below(5) == 0;
    return hit;
  }
  Hit holds() {
    for (;;) {
      if (const Hit any = hit(); is_holds(any)) return any;
    }
  }

  void decide() {
    std::vector<Hit> hits;
    std::set<uint64_t> distinct;
    for (uint64_t i = random_.below(4); i != ~uint64_t{0}; --i) {
      if (const Hit next = hit(); distinct.insert(next.key.low).second) hits.push_back(next);
    }
    const auto purpose = static_cast<Purpose>(random_.below(3));
    const HoldTerms hold{.id = random_.below(6), .ttl = milliseconds(random_.below(1'500))};
    RC_ASSERT(
        same(bed_.decide(hits, now_, purpose, hold), model_.decide(hits, now_, purpose, hold)));
  }
  void give_back() {
    const Hit any = hit();
    const base::Time charged = now_ - milliseconds(random_.below(500));
    bed_.table.give_back(any, charged, any.cost, now_);
    model_.give_back(any, charged, any.cost, now_);
  }
  void charge_over() {
    const Hit any = hit();
    RC_ASSERT(bed_.table.charge_over(any, now_, any.cost, 2) ==
              model_.charge_over(any, now_, any.cost, 2));
  }
  void end_hold() {
    const Hit any = holds();
    const uint64_t id = random_.below(6);
    if (random_.below(2) == 0) {
      RC_ASSERT(bed_.table.release(any, id, now_) == model_.release(any, id, now_));
    } else {
      const base::Time until = now_ + milliseconds(random_.below(3'000));
      RC_ASSERT(bed_.table.renew(any, id, until, now_) == model_.renew(any, id, until, now_));
    }
  }
  void forget() {
    const Hit any = hit();
    bed_.table.forget(any.key);
    model_.forget(any);
  }
  void sweep() { bed_.table.sweep(now_, random_.below(20)); }

  base::Random random_;
  uint64_t keys_;
  base::Time now_ = kNow;
  TestTable bed_;
  Model model_;
};

RC_GTEST_PROP(TableModel, AFewKeysAnswerAsTheLawsDo, (uint64_t seed)) {
  Lives lives(seed, 12);
  for (int i = 0; i < 300; ++i) lives.step();
}

TEST(TableModel, ManyKeysAnswerAsTheLawsDo) {
  for (uint64_t seed : {1u, 2u, 3u}) {
    Lives lives(seed, 4'000);
    for (int i = 0; i < 20'000; ++i) lives.step();
  }
}

}  // namespace
}  // namespace limiter

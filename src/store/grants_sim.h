// For tests: a life of granted mode, drawn from a seed. Several instances' Grants (the real ones),
// the store's arithmetic under a clock of its own, and a network between them, in one thread.
//
//   clients ─► instance: Grants ─ asks, requests, returns ─► late, lost ─► ModelStore
//                 ▲ its own clock: another start,                │ its clock is stepped
//                 │ another speed                                │
//                 └──────── answers: late, lost, twice ◄─────────┘
//
// Instances die and come again, limits change at one instance after the other, keys grow cold and
// hot, parts of decisions are put back. Now and then a storm: all units that there are are fetched,
// kept until their life is nearly over, then everything is spent in one instant.
//
// What is held: the bound over every interval, for units that were spent, each at the instant that
// the store's clock showed at its charge plus what has passed since (docs/grants.md says why that
// is its instant). A window's units are counted in the window that they were charged in, and none
// is spent after its end. Judged are the times when all instances have the same limits.
#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <vector>

#include "base/random.h"
#include "limiter/test_limits.h"
#include "store/model_store.h"

namespace store {

class GrantsLife {
 public:
  struct Terms {
    uint64_t seed = 1;
    bool windows = false;
    bool quiet =
        false;  // Nothing is lost, late, stepped or changed, and three times the limit is asked.
    // Of the simulation's own tests: bugs that it must see.
    enum class Planted : uint8_t { kNone, kLifeFromReply, kFullBurst, kReturnTwice } planted{};
  };
  struct Outcome {
    int64_t excess = 0;  // Units over the bound, in the worst interval; at most 0.
    int64_t spent = 0, by_grant = 0, returned = 0, too_late = 0;
    double use = 0;  // Of a quiet life.
  };
  explicit GrantsLife(const Terms& terms);
  Outcome lead();

 private:
  struct Limit {
    limit::Rate rate;
    int64_t burst;
    limiter::Law law_of_limiter;
    Law law;
    ModelStore::Terms model;
  };
  struct Instance {
    std::unique_ptr<Grants> grants;
    int64_t offset_ns = 0;
    double speed = 1;
    size_t limit = 0;  // Which one it has.
    std::shared_ptr<const limiter::Limits> limits;
    uint64_t born = 0;
    std::map<int64_t, std::pair<int64_t, int64_t>> charged;  // By charged_us: true ns, store's us.
  };
  struct Event {
    int64_t at;
    uint64_t number;
    std::function<void()> run;
    bool operator>(const Event& other) const {
      return std::tie(at, number) > std::tie(other.at, other.number);
    }
  };
  struct Spent {
    int64_t at_us, units;
    int64_t window;
    uint64_t epoch;
  };

  static Limit a_limit(limit::Rate rate, int64_t burst, bool window);
  void draw_limits();
  base::Time clock_of(const Instance& each) const {
    return base::time_from(each.offset_ns +
                           static_cast<int64_t>(static_cast<double>(now_) * each.speed));
  }
  int64_t store_us() const { return (now_ + store_offset_) / 1000; }
  const Limit& limit_of(const Instance& each) const { return limits_[each.limit]; }
  bool chance(uint64_t one_in) { return random_.below(one_in) == 0; }
  int64_t below(int64_t n) { return static_cast<int64_t>(random_.below(static_cast<uint64_t>(n))); }
  void at(int64_t delay, std::function<void()> run) {
    events_.push({now_ + delay, ++events_made_, std::move(run)});
  }
  int64_t delay();  // On the way, one way.
  bool lost() { return !terms_.quiet && loss_ > 0 && below(100) < loss_; }

  void born(size_t i);
  void turn(size_t i);
  enum class Then { kSpent, kPutBack, kGivenUp };  // Later, or at once.
  void ask(size_t i, int64_t cost, Then then);
  void stir();
  void touch();
  void waves();
  void ask_store(size_t i, int64_t cost);
  void send(size_t i, const Grants::Request& request);
  void send(size_t i, const Grants::Return& back);
  void spend(Instance& here, const Grants::Blocks& taken);
  void note(int64_t at_us, int64_t units, int64_t window);
  void storm();
  void disturb();
  void change_limits();
  int64_t excess_of(uint64_t epoch, const Limit& limit) const;

  const Terms terms_;
  base::Random random_;
  int64_t now_ = 3'600'000'000'000, store_offset_ = 1'763'788'000'000'000'000;  // True time, ns.
  std::vector<Limit> limits_;
  std::vector<Instance> instances_;
  ModelStore store_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  uint64_t events_made_ = 0;
  int64_t round_trip_ns_ = 0, loss_ = 0, sharers_ = 1;
  int64_t late_ = 0, calm_until_ = 0;  // In a storm: answers are later, and nobody else asks.
  std::vector<Spent> spent_;
  std::vector<size_t> limit_of_epoch_;  // Epoch 0 is when instances differ.
  uint64_t epoch_ = 1;
  bool steps_ = false, changes_ = false, changing_ = false;
  Outcome outcome_;
};

}  // namespace store

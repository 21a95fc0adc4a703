#include "store/grants_sim.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace store {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Planted = GrantsLife::Terms::Planted;

}  // namespace

// ---- The world.

GrantsLife::Limit GrantsLife::a_limit(limit::Rate rate, int64_t burst, bool window) {
  const limiter::LimitSpec spec = window ? limiter::window(rate.count, rate.period)
                                         : limiter::gcra(rate.count, rate.period, burst);
  const Law law = Law::make(*spec.law).value();
  return {rate, window ? rate.count : burst, *spec.law, law,
          window ? ModelStore::window(rate)
                 : ModelStore::gcra(rate, burst, whole_us(law.grant_life()))};
}

void GrantsLife::draw_limits() {
  const limit::Rate rates[] = {{2000, seconds(1)}, {333, milliseconds(70)}, {70'000, seconds(7)}};
  const limit::Rate rate = rates[random_.below(std::size(rates))];
  const int64_t a_second = rate.count * 1'000'000'000 / rate.period.count();
  for (int i = 0; i < 3; ++i) {
    const int64_t part = 2 + below(8);
    if (terms_.windows) {
      const base::Duration period = milliseconds(100 * (terms_.quiet ? 5 : 1 + i % 2));
      limits_.push_back(a_limit({a_second / part / (i + 1), period}, 0, true));
    } else {
      // Some changes are of the rate, some of the burst alone.
      limit::Rate own = rate;
      if (i == 2) own.count = own.count * (3 + below(6)) / 5;
      limits_.push_back(a_limit(own, std::max<int64_t>(a_second / part, 60), false));
    }
  }
}

GrantsLife::GrantsLife(const Terms& terms) : terms_(terms), random_(terms.seed) {
  draw_limits();
  limit_of_epoch_ = {0, 0};
  instances_.resize(terms_.quiet ? 3 : 2 + random_.below(3));
  const int64_t life = limits_[0].law.grant_life().count();
  round_trip_ns_ = std::min<int64_t>(life / 20, 500'000);
  if (!terms_.quiet && chance(3)) round_trip_ns_ = life / 2;
  loss_ = chance(2) ? 0 : below(30);
  steps_ = chance(2);
  changes_ = chance(3);
  // How many share the limit an instance may count wrong.
  sharers_ = terms_.quiet || chance(3) ? static_cast<int64_t>(instances_.size()) : 1;
  for (size_t i = 0; i < instances_.size(); ++i) born(i);
}

void GrantsLife::born(size_t i) {
  Instance& each = instances_[i];
  each.grants = std::make_unique<Grants>();
  each.offset_ns = below(20'000'000'000);
  each.speed = 1 + static_cast<double>(below(4001) - 2000) / 1e6;  // A fifth of a percent, at most.
  each.limits = std::make_shared<const limiter::Limits>();
  ++each.born;
  each.charged.clear();
}

int64_t GrantsLife::delay() {
  const int64_t half = round_trip_ns_ / 2;
  if (!terms_.quiet && chance(10)) return below(3 * limits_[0].law.grant_life().count());
  return half / 2 + below(half + 1);
}

void GrantsLife::note(int64_t at_us, int64_t units, int64_t window) {
  if (units == 0) return;
  outcome_.spent += units;
  spent_.push_back({at_us, units, window, changing_ ? 0 : epoch_});
}

void GrantsLife::spend(Instance& here, const Grants::Blocks& taken) {
  for (const Grants::Block& block : taken) {
    if (block.units == 0) continue;
    const auto [then, us] = here.charged.at(block.charged_us);
    const int64_t at_us = us + (now_ - then) / 1000;
    const int64_t period = limit_of(here).model.window_us;
    const int64_t window = period > 0 ? block.charged_us - block.charged_us % period : 0;
    if (period > 0 && at_us >= window + period && !changing_) outcome_.too_late += block.units;
    note(at_us, block.units, window);
    outcome_.by_grant += block.units;
  }
}

void GrantsLife::ask(size_t i, int64_t cost, Then then) {
  Instance& here = instances_[i];
  const Limit& limit = limit_of(here);
  const base::Time now = clock_of(here);
  here.grants->keep_if(here.limits, 0);
  const Grants::Terms how{.now = now, .sharers = sharers_};
  const limiter::Hit hit{.key = {7, 7}, .law = &limit.law_of_limiter, .cost = cost};
  const Grants::Answer got = here.grants->take(hit, limit.law, how);
  if (got.wants) send(i, here.grants->send_for(hit.key, limit.law, {}, how));
  if (got.known == Grants::Answer::Known::kNothing && then != Then::kGivenUp)
    return ask_store(i, cost);
  if (got.known != Grants::Answer::Known::kTaken) return;
  if (then == Then::kSpent) return spend(here, got.taken);
  if (then == Then::kGivenUp) return here.grants->put_back({7, 7}, got.taken, now);
  at(delay(), [this, i, taken = got.taken, life = here.born] {
    if (instances_[i].born == life)
      instances_[i].grants->put_back({7, 7}, taken, clock_of(instances_[i]));
  });
}

void GrantsLife::ask_store(size_t i, int64_t cost) {
  if (lost()) return;
  at(delay(), [this, cost, which = instances_[i].limit] {
    const ModelStore::Terms& model = limits_[which].model;
    if (!store_.charge(model, store_us(), cost)) return;
    const int64_t window = store_.window_start();
    note(store_us(), cost, window);
  });
}

void GrantsLife::send(size_t i, const Grants::Request& request) {
  const auto fail = [this, i, request, life = instances_[i].born] {
    Instance& here = instances_[i];
    if (here.born == life) here.grants->answered(request, std::nullopt, clock_of(here));
  };
  at(2 * request.law->grant_life().count(),
     fail);  // The call's deadline; an answer that was there counts.
  if (lost()) return;
  at(delay(), [this, i, request, which = instances_[i].limit, life = instances_[i].born] {
    ModelStore::Terms model = limits_[which].model;
    if (terms_.planted == Planted::kFullBurst) model.life_us = 0;
    const Grants::Granted granted = store_.grant(model, store_us(), request.units);
    if (instances_[i].born == life && granted.units > 0)
      instances_[i].charged[granted.charged_us] = {now_, store_us()};
    if (lost()) return;
    const auto tell = [this, i, request, granted, life] {
      Instance& here = instances_[i];
      if (here.born != life) return;
      Grants::Request told = request;
      if (terms_.planted == Planted::kLifeFromReply) told.sent = clock_of(here);
      here.grants->answered(told, granted, clock_of(here));
    };
    at(late_ + delay(), tell);
    if (!terms_.quiet && chance(8)) at(delay(), tell);  // Twice.
  });
}

void GrantsLife::send(size_t, const Grants::Return& back) {
  outcome_.returned += back.units;
  const int times = terms_.planted == Planted::kReturnTwice ? 2 : 1;
  if (lost()) return;
  // Of which limit it was the store knows by its script's law.
  for (int n = 0; n < times; ++n) {
    at(delay(), [this, back] {
      for (const Limit& each : limits_) {
        if (&each.law == back.law)
          store_.give_back(each.model, store_us(), back.units, back.charged_us);
      }
    });
  }
}

void GrantsLife::turn(size_t i) {
  Instance& here = instances_[i];
  for (const Grants::Return& back : here.grants->due(clock_of(here))) send(i, back);
}

// ---- What happens in it.

// Asks for much, and gives up: all that may be granted at once is fetched.
void GrantsLife::stir() {
  for (size_t i = 0; i < instances_.size(); ++i)
    ask(i, 2 * limit_of(instances_[i]).law.grant_units(), Then::kGivenUp);
}

void GrantsLife::touch() {
  for (size_t i = 0; i < instances_.size(); ++i) ask(i, 1, Then::kGivenUp);
}

// Everything is fetched and returned, again and again, and a quarter of the burst spent each time.
void GrantsLife::waves() {
  const Limit& limit = limit_of(instances_[0]);
  const int64_t life = limit.law.grant_life().count(), each = life / 3 + 4 * round_trip_ns_;
  for (int n = 0; n < 12; ++n) {
    at(n * each, [this, cost = limit.burst / 4] { ask_store(0, cost); });
    at(n * each + round_trip_ns_, [this] { stir(); });
    at((n + 1) * each - round_trip_ns_, [this] {
      for (size_t i = 0; i < instances_.size(); ++i) turn(i);
    });
  }
  calm_until_ = now_ + 12 * each;
}

void GrantsLife::storm() {
  const int64_t life = limit_of(instances_[0]).law.grant_life().count();
  const int64_t burst = limit_of(instances_[0]).burst;
  const auto strictly = [this, burst](int64_t part_of_8) {
    const size_t i = random_.below(instances_.size());
    for (int64_t cost = burst * part_of_8 / 8; cost > 0; cost /= 2) ask_store(i, cost);
  };
  late_ = chance(2) ? life / 4 + below(life) : 0;
  const int64_t rest = chance(4) ? 0 : below(6 * life);  // Units come back.
  at(rest, [strictly, part = chance(2) ? 0 : below(7)] { strictly(part); });
  const int64_t begun = rest + 3 * round_trip_ns_;
  at(begun, [this] { stir(); });
  at(begun + 2 * round_trip_ns_ + late_, [this] { stir(); });
  const int64_t nearly = life * 7 / 8 - life / 100;  // Then what is left is returned.
  const int64_t kept = chance(4) ? nearly : !chance(3) ? nearly + late_ : life / 4 + below(life);
  if (!chance(4)) {
    for (int64_t n = 1; n * life / 8 < kept; ++n) at(begun + n * life / 8, [this] { touch(); });
  }
  at(begun + kept - 2 * round_trip_ns_, [strictly] { strictly(8); });
  calm_until_ = now_ + begun + kept;
  at(begun + kept, [this, burst] {
    late_ = 0;
    for (size_t i = 0; i < instances_.size(); ++i) {
      for (int64_t n = 0; n < burst / 2; ++n) ask(i, 1, Then::kSpent);
    }
  });
}

void GrantsLife::change_limits() {
  const size_t to = random_.below(limits_.size());
  const int64_t life = limits_[0].law.grant_life().count();
  changing_ = true;
  int64_t last = 0;
  for (size_t i = 0; i < instances_.size(); ++i) {
    const int64_t when = below(2 * life);
    last = std::max(last, when);
    at(when, [this, i, to] {
      instances_[i].limit = to;
      instances_[i].limits = std::make_shared<const limiter::Limits>();
    });
  }
  // What was asked under the old ones may still be on its way.
  at(last + 8 * life, [this, to] {
    changing_ = false;
    ++epoch_;
    limit_of_epoch_.push_back(to);
  });
}

void GrantsLife::disturb() {
  const int64_t life = limits_[0].law.grant_life().count();
  switch (random_.below(8)) {
    case 0:
      if (steps_) store_offset_ += below(3 * life) - below(3 * life);
      return;
    case 1:
      return born(random_.below(instances_.size()));
    case 2:
      if (changes_ && !changing_) change_limits();
      return;
    case 3:
    case 4:
      return waves();
    default:
      return storm();
  }
}

int64_t GrantsLife::excess_of(uint64_t epoch, const Limit& limit) const {
  std::vector<Spent> all;
  std::ranges::copy_if(spent_, std::back_inserter(all),
                       [&](const Spent& each) { return each.epoch == epoch; });
  if (terms_.windows) {
    std::map<int64_t, int64_t> used;
    int64_t worst = -limit.burst;
    for (const Spent& each : all)
      worst = std::max(worst, (used[each.window] += each.units) - limit.burst);
    return worst;
  }
  std::ranges::stable_sort(all, {}, &Spent::at_us);
  // Of all intervals that end at an entry, the one whose beginning is the worst.
  const base::Int128 v = limit.model.v, u = limit.model.u;
  base::Int128 sum = 0, least = 0, worst = -v * limit.burst;
  bool first = true;
  for (const Spent& each : all) {
    const base::Int128 before = sum * v - each.at_us * u;
    least = first ? before : std::min(least, before);
    first = false;
    sum += each.units;
    worst = std::max(worst, sum * v - each.at_us * u - least - v * limit.burst);
  }
  return static_cast<int64_t>(worst > 0 ? (worst + v - 1) / v : worst / v);
}

GrantsLife::Outcome GrantsLife::lead() {
  const int64_t life = limits_[0].law.grant_life().count(), start = now_;
  const int64_t lives = terms_.quiet ? 120 : 60;
  double load = 3;
  size_t favoured = 0;
  int64_t next = now_;
  while (now_ < start + lives * life) {
    if (!terms_.quiet && chance(60)) load = std::array{0.0, 0.3, 1.0, 3.0, 12.0}[random_.below(5)];
    if (chance(200)) favoured = random_.below(2 * instances_.size());
    const Limit& limit = limits_[instances_[0].limit];
    const int64_t unit = limit.rate.period.count() / limit.rate.count;
    const auto gap =
        load > 0 ? static_cast<int64_t>(2.0 * static_cast<double>(unit) / load) : life / 4;
    next += load > 0 ? below(gap + 1) : gap;
    while (!events_.empty() && events_.top().at <= next) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      event.run();
    }
    now_ = next;
    const size_t i = favoured < instances_.size() ? favoured : random_.below(instances_.size());
    if (load > 0 && now_ >= calm_until_) {
      const bool refused = !terms_.quiet && chance(9);  // By another part of the decision.
      ask(i, chance(12) ? 1 + below(9) : 1, refused ? Then::kPutBack : Then::kSpent);
    }
    for (size_t n = 0; n < instances_.size(); ++n) turn(n);
    if (!terms_.quiet && now_ >= calm_until_ && chance(60)) disturb();
  }
  outcome_.excess = std::numeric_limits<int64_t>::min();
  for (uint64_t epoch = 1; epoch < limit_of_epoch_.size(); ++epoch)
    outcome_.excess = std::max(outcome_.excess, excess_of(epoch, limits_[limit_of_epoch_[epoch]]));
  const auto possible = static_cast<double>(now_ - start) /
                            static_cast<double>(limits_[0].rate.period.count()) *
                            static_cast<double>(limits_[0].rate.count) +
                        (terms_.windows ? 0.0 : static_cast<double>(limits_[0].burst));
  outcome_.use = static_cast<double>(outcome_.spent) / possible;
  return outcome_;
}

// ---- What is held.

namespace {

uint64_t seeds(uint64_t usual) {
  const char* const told = std::getenv("RATELIMMQ_GRANT_SEEDS");
  return told != nullptr ? std::strtoull(told, nullptr, 10) : usual;
}

void hold(bool windows) {
  int64_t by_grant = 0, returned = 0;
  for (uint64_t seed = 1; seed <= seeds(100); ++seed) {
    const auto outcome = GrantsLife({.seed = seed, .windows = windows}).lead();
    ASSERT_LE(outcome.excess, 0) << "seed " << seed;
    ASSERT_EQ(outcome.too_late, 0) << "seed " << seed;
    by_grant += outcome.by_grant;
    returned += outcome.returned;
  }
  EXPECT_GT(by_grant, 0);
  EXPECT_GT(returned, 0);
}

TEST(GrantsSim, UnitsSpentKeepTheBoundOverEveryInterval) { hold(false); }

TEST(GrantsSim, NoWindowHasMoreThanItsCount) { hold(true); }

TEST(GrantsSim, WhereNothingIsLostNearlyAllIsUsed) {
  for (const bool windows : {false, true}) {
    double least = 1;
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      const auto outcome = GrantsLife({.seed = seed, .windows = windows, .quiet = true}).lead();
      EXPECT_LE(outcome.excess, 0) << "seed " << seed;
      EXPECT_GT(outcome.by_grant * 2, outcome.spent) << "seed " << seed;
      EXPECT_GE(outcome.use, 0.97) << "seed " << seed << (windows ? ", windows" : "");
      least = std::min(least, outcome.use);
    }
    std::printf("use with %s: at least %.2f %%\n", windows ? "windows" : "gcra", 100 * least);
  }
}

TEST(GrantsSim, SeesBugsThatArePlanted) {
  for (const Planted bug : {Planted::kLifeFromReply, Planted::kFullBurst, Planted::kReturnTwice}) {
    constexpr uint64_t kSeeds = 400;
    uint64_t seed = 1;
    while (seed <= kSeeds && GrantsLife({.seed = seed, .planted = bug}).lead().excess <= 0) ++seed;
    EXPECT_LE(seed, kSeeds) << "bug " << static_cast<int>(bug);
    std::printf("bug %d is seen at seed %lu\n", static_cast<int>(bug), seed);
  }
}

}  // namespace
}  // namespace store

#include "store/law.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/wide.h"
#include "store/store.h"

namespace store {
namespace {

using limit::Decision;
using limit::kNever;

base::Error does_not_fit(const std::string& what, const char* field) {
  return base::invalid(what + ", which a store cannot count exactly", field);
}

base::Status check_period(base::Duration period) {
  if (period.count() % 1000 == 0) return {};
  return base::invalid("a store counts in whole microseconds: the period " +
                           std::to_string(period.count()) + "ns is none",
                       "rate");
}

// a · b < 2^53.
bool exact(int64_t a, int64_t b) { return base::Int128{a} * b < kExact; }

void append(std::string& out, int64_t value) {
  const auto number = static_cast<double>(value);
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof bytes);
}

base::Time ticks(int64_t us) { return base::time_from(us); }  // Of a law told microseconds.

Decision scaled(Decision decision) {
  if (decision.retry_after != kNever) decision.retry_after = from_us(decision.retry_after.count());
  decision.reset_after = from_us(decision.reset_after.count());
  return decision;
}

}  // namespace

base::Duration from_us(int64_t us) {
  return us > kNever.count() / 1000 ? kNever : base::Duration(us * 1000);
}

base::Result<Law> Law::make(const limiter::Law& law, int64_t overdraft) {
  Law out;
  out.law_ = law;
  out.kind_ = static_cast<Kind>(law.index() + 1);
  limit::Rate rate;
  if (const auto* const gcra = std::get_if<limit::Gcra>(&law)) {
    rate = gcra->rate();
    out.count_ = gcra->burst();
  } else if (const auto* const window = std::get_if<limit::FixedWindow>(&law)) {
    rate = window->rate();
  } else if (const auto* const counter = std::get_if<limit::SlidingCounter>(&law)) {
    rate = counter->rate();
  } else if (const auto* const log = std::get_if<limit::SlidingLog>(&law)) {
    rate = log->rate();
  } else {
    const auto& holds = std::get<limit::Concurrency>(law);
    out.count_ = holds.cap();
    out.period_ = ceil_us(holds.ttl_max());
    return out;
  }
  if (auto whole = check_period(rate.period); !whole) return whole.error();
  const int64_t period = whole_us(rate.period);
  const int64_t most =
      limit::saturated_sum(out.kind_ == Kind::kGcra ? out.count_ : rate.count, overdraft);
  if (out.kind_ == Kind::kGcra) {
    const int64_t common = std::gcd(rate.count, period);
    out.u_ = rate.count / common;
    out.v_ = period / common;
    if (!exact(most, out.v_) || out.u_ >= kExact / 2)
      return does_not_fit("burst and overdraft " + std::to_string(most) + " at " +
                              limit::to_string(rate) + " are 2^53 or more as cost · period in us",
                          "burst");
    auto micro = limit::Gcra::make({rate.count, base::Duration(period)}, out.count_);
    if (!micro) return micro.error();
    out.micro_ = *micro;
    out.set_grants();
    return out;
  }
  out.count_ = rate.count;
  out.period_ = period;
  if (most >= kExact || (out.kind_ == Kind::kCounter && !exact(most, period))) {
    return does_not_fit("count and overdraft of " + limit::to_string(rate) +
                            " are 2^53 or more as cost · period in us",
                        "rate");
  }
  if (out.kind_ == Kind::kCounter)
    out.micro_ = *limit::SlidingCounter::make({rate.count, base::Duration(period)});
  if (out.kind_ == Kind::kWindow && std::get<limit::FixedWindow>(law).calendar()) out.period_ = 0;
  out.set_grants();
  return out;
}

// A life that is hardly longer than a call is none.
void Law::set_grants() {
  constexpr int64_t kShortest = 4'000, kLongest = 1'000'000, kUnitsMin = 8;
  int64_t life = kLongest, units = 0;
  if (kind_ == Kind::kGcra) {
    life = std::min(life, count_ * v_ / u_ / 4);  // rate · life <= burst / 4.
    units = life * u_ / v_;
  } else if (kind_ == Kind::kWindow) {
    if (period_ > 0) life = std::min(life, period_ / 4);
    units = count_ / 4;
  }
  if (life < kShortest || units < kUnitsMin) return;
  life_us_ = life;
  grant_units_ = units;
}

int64_t Law::worth(int64_t units, base::Duration age) const {
  if (kind_ != Kind::kGcra) return units;
  const int64_t left = units * v_ - ceil_us(age) * u_;
  return left > 0 ? left / v_ : 0;
}

base::Duration Law::span_of(int64_t units) const { return from_us((units * v_ + u_ - 1) / u_); }

void Law::pack(base::Time about, std::string& out) const {
  out += static_cast<char>(kind_);
  switch (kind_) {
    case Kind::kGcra: {
      const int64_t whole = count_ * v_ / u_;
      for (const int64_t number : {u_, v_, whole, count_ * v_ - whole * u_, count_})
        append(out, number);
      return;
    }
    case Kind::kWindow: {
      limit::Span now{}, next{};
      if (period_ == 0) {
        const auto& window = std::get<limit::FixedWindow>(law_);
        now = window.window_at(about);
        next = window.window_at(now.end);
      }
      for (const int64_t number :
           {count_, period_, whole_us(now.start), whole_us(now.end), whole_us(next.end)})
        append(out, number);
      return;
    }
    case Kind::kCounter:
    case Kind::kLog:
    case Kind::kHolds:
      for (const int64_t number : {count_, period_, int64_t{0}, int64_t{0}, int64_t{0}})
        append(out, number);
  }
}

std::string Law::name() const {
  std::string out(1, static_cast<char>(kind_));
  for (const int64_t number : {count_, period_, u_, v_}) append(out, number);
  if (kind_ == Kind::kWindow && period_ == 0) {
    const auto& window = std::get<limit::FixedWindow>(law_);
    out += static_cast<char>(*window.calendar());
    out += window.zone()->name;
  }
  return out;
}

namespace {

Decision decide_window(int64_t count, const Seen& seen, int64_t now, int64_t cost) {
  const int64_t used = now < seen.c ? seen.b : 0;
  const bool allowed = count > 0 && cost <= count - used;
  const int64_t next = allowed ? used + cost : used;
  const base::Duration until_end = from_us(std::max<int64_t>(seen.c - now, 0));
  Decision decision{.allowed = allowed, .limit = count};
  decision.remaining = std::max<int64_t>(count - next, 0);
  if (next > 0) decision.reset_after = until_end;
  if (!allowed) decision.retry_after = cost > count || count == 0 ? kNever : until_end;
  return decision;
}

// A charge leaves the log a period after it was made.
Decision decide_log(int64_t count, int64_t period, const Seen& seen, int64_t now, int64_t cost) {
  const int64_t free = count - seen.a;
  Decision decision{.allowed = count > 0 && cost <= free, .limit = count};
  decision.remaining = std::max<int64_t>(decision.allowed ? free - cost : free, 0);
  if (!decision.allowed)
    decision.retry_after =
        count == 0 || cost > count ? kNever : from_us(std::max<int64_t>(seen.b + period - now, 0));
  if (decision.allowed && cost > 0) {
    decision.reset_after = from_us(std::max(now, seen.c) + period - now);
  } else if (seen.a > 0) {
    decision.reset_after = from_us(std::max<int64_t>(seen.c + period - now, 0));
  }
  return decision;
}

Decision decide_holds(int64_t cap, const Seen& seen, int64_t now, int64_t cost) {
  const int64_t free = cap - seen.a;
  Decision decision{.allowed = cost <= free, .limit = cap};
  decision.remaining = std::max<int64_t>(decision.allowed ? free - cost : free, 0);
  if (!decision.allowed)
    decision.retry_after = cost > cap ? kNever : from_us(std::max<int64_t>(seen.b - now, 0));
  if (seen.a > 0) decision.reset_after = from_us(std::max<int64_t>(seen.c - now, 0));
  return decision;
}

}  // namespace

Decision Law::decide(const Seen& seen, int64_t now, int64_t cost) const {
  switch (kind_) {
    case Kind::kGcra: {
      // A tolerance that is less by the life of grants is as good as a state that is ahead by it.
      const limit::GcraState state{seen.now + seen.a + seen.c, static_cast<uint64_t>(seen.b)};
      Decision decision = std::get<limit::Gcra>(micro_).check(state, ticks(now), cost).decision;
      if (seen.c == 0) return scaled(decision);
      const base::Duration life(seen.c);  // Of microseconds, as all of the decision.
      decision.reset_after = std::max(decision.reset_after - life, base::Duration{});
      const bool fits_beside = ceil_us(span_of(cost)) + seen.c <= count_ * v_ / u_;
      if (!decision.allowed && cost <= count_ && !fits_beside)
        decision.retry_after =
            base::Duration(std::max<int64_t>(seen.now + seen.a - now, 0) + 1) + life;
      return scaled(decision);
    }
    case Kind::kCounter: {
      const limit::CounterState state{seen.a, seen.b, seen.c};
      return scaled(
          std::get<limit::SlidingCounter>(micro_).check(state, ticks(now), cost).decision);
    }
    case Kind::kWindow:
      return decide_window(count_, seen, now, cost);
    case Kind::kLog:
      return decide_log(count_, period_, seen, now, cost);
    case Kind::kHolds:
      break;
  }
  return decide_holds(count_, seen, now, cost);
}

base::Status check(const limiter::LimitSpec& spec) {
  if (!spec.law) return {};
  auto law = Law::make(*spec.law, spec.overdraft);
  if (!law) return law.error();
  return {};
}

}  // namespace store

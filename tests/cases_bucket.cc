// Cases of token and leaky buckets, all played through limit::Gcra.
#include <algorithm>
#include <optional>

#include "cases.h"
#include "limit/limit.h"

namespace cases {
namespace {

using base::Duration;
using base::Time;
using limit::Decision;
using limit::Gcra;

// One key under one law, as the table would hold it.
struct Bucket {
  Gcra law;
  limit::GcraState state;

  Decision take(Time now, int64_t cost) {
    const auto proposal = law.check(state, now, cost);
    if (proposal.decision.allowed) state = proposal.next;
    return proposal.decision;
  }
  Decision look(Time now, int64_t cost) const { return law.check(state, now, cost).decision; }
};

int64_t in_units(Duration d, int64_t unit) {  // Rounded up; -1 for never.
  return d == limit::kNever ? -1 : (d.count() + unit - 1) / unit;
}

Gcra gcra(int64_t count, int64_t period_ns, int64_t burst) {
  return Gcra::make({count, Duration(period_ns)}, burst).value();
}

int64_t period_of(const json::object& config) {
  if (has(config, "period_s")) return number(config, "period_s") * 1'000'000'000;
  return number(config, "period_ms") * 1'000'000;
}

// redis-cell's library: milliseconds, -1 where there is nothing to say.
void play_redis_cell(const json::object& one, Verdict& verdict) {
  const json::object& config = config_of(one);
  std::optional<Bucket> bucket;
  if (has(config, "count"))
    bucket = Bucket{
        gcra(number(config, "count"), period_of(config), number(config, "max_burst") + 1), {}};
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const json::object& expect = step.at("expect").as_object();
    if (text(step, "op") == "emission_interval") {
      Bucket one_unit{gcra(number(step, "count"), period_of(step), 1), {}};
      verdict.same("interval", number(expect, "interval_ms"),
                   in_units(one_unit.take(base::time_from(kStart), 1).reset_after, 1'000'000));
      continue;
    }
    const Decision d = bucket->take(time_of(one, step), number(step, "n", 1));
    verdict.same("limited", number(expect, "limited"), !d.allowed);
    verdict.same("limit", number(expect, "limit"), d.limit);
    verdict.same("remaining", number(expect, "remaining"), d.remaining);
    verdict.same("reset_after", number(expect, "reset_after"), in_units(d.reset_after, 1'000'000));
    verdict.same("retry_after", number(expect, "retry_after"),
                 d.allowed ? -1 : in_units(d.retry_after, 1'000'000));
  }
}

void play_redis_rate(const json::object& one, Verdict& verdict) {
  const json::object& config = config_of(one);
  Bucket bucket{gcra(number(config, "rate"), period_of(config), number(config, "burst")), {}};
  const int64_t tolerance = number(one, "tolerance_ms");
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const json::object& expect = step.at("expect").as_object();
    const Time now = time_of(one, step);
    int64_t n = number(step, "n");
    if (text(step, "op") == "allow_at_most") {
      const int64_t room = bucket.look(now, 0).remaining;
      if (room > 0) n = std::min(n, room);
      if (room == 0) n = std::min<int64_t>(n, 1);
    }
    const Decision d = bucket.take(now, n);
    verdict.same("allowed", number(expect, "allowed"), d.allowed ? n : 0);
    verdict.same("remaining", number(expect, "remaining"), d.remaining);
    verdict.near("reset_after", number(expect, "reset_after"), in_units(d.reset_after, 1'000'000),
                 tolerance);
    if (d.retry_after == limit::kNever) {
      verdict.differs(
          "a cost above the burst can never fit: we say never, not a span that a retry "
          "would find refused again");
    } else {
      verdict.near("retry_after", number(expect, "retry_after"),
                   d.allowed ? -1 : in_units(d.retry_after, 1'000'000), tolerance);
    }
  }
}

void play_throttlecrab(const json::object& one, Verdict& verdict) {
  const json::object& config = config_of(one);
  std::optional<Bucket> bucket;
  if (has(config, "count"))
    bucket = Bucket{gcra(number(config, "count"), period_of(config), number(config, "burst")), {}};
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const json::object& expect = step.at("expect").as_object();
    const std::string op = text(step, "op");
    if (op == "config") {
      const auto law =
          Gcra::make({number(step, "count"), Duration(period_of(step))}, number(step, "burst"));
      const bool faulty =
          !law || number(step, "n") < 0;  // A negative cost is refused by each verb.
      verdict.same("error", number(expect, "error"), faulty);
      if (!faulty && has(expect, "allowed"))
        verdict.same("allowed", number(expect, "allowed"),
                     law->check({}, base::time_from(kStart), number(step, "n")).decision.allowed);
      continue;
    }
    if (op == "take_until_limited") {
      int64_t admitted = 0;
      while (bucket->take(time_of(one, step), number(step, "n", 1)).allowed) ++admitted;
      verdict.same("admitted", number(expect, "admitted_correct"), admitted);
      continue;
    }
    const Decision d = bucket->take(time_of(one, step), number(step, "n", 1));
    verdict.same("allowed", number(expect, "allowed"), d.allowed);
    if (has(expect, "remaining"))
      verdict.same("remaining", number(expect, "remaining"), d.remaining);
    if (has(expect, "limit")) verdict.same("limit", number(expect, "limit"), d.limit);
  }
}

void play_gubernator_leaky(const json::object& one, Verdict& verdict) {
  const json::object& config = config_of(one);
  const int64_t count = number(config, "limit");
  Bucket bucket{
      gcra(count, number(config, "duration_ms") * 1'000'000, number(config, "burst", count)), {}};
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const json::object& expect = step.at("expect").as_object();
    const Time now = time_of(one, step);
    const int64_t n = number(step, "n");
    if (n < 0) bucket.state = bucket.law.give_back(bucket.state, now, -n, now);
    const Decision d = bucket.take(now, std::max<int64_t>(n, 0));
    if (!d.allowed && number(config, "drain_over_limit") != 0) {
      verdict.differs("a refusal costs nothing (P1), so it does not drain the bucket");
      return;
    }
    verdict.same_text("status", text(expect, "status"), d.allowed ? "UNDER_LIMIT" : "OVER_LIMIT");
    verdict.same("remaining", number(expect, "remaining"), d.remaining);
  }
}

// Bucket4j: a bucket with some tokens in it at the start.
class GreedyCase {
 public:
  GreedyCase(const json::object& one, Verdict& verdict) : one_(one), verdict_(verdict) {
    const json::object& config = config_of(one);
    capacity_ = number(config, "capacity");
    bucket_ = Bucket{
        gcra(number(config, "refill_tokens"), number(config, "refill_period_ns"), capacity_), {}};
    const Time start = base::time_from(kStart + number(config, "init_time"));
    bucket_->state =
        bucket_->law.with_used(capacity_ - number(config, "initial", capacity_), start);
  }

  void play() {
    for (const json::value& value : one_.at("steps").as_array()) {
      step_ = &value.as_object();
      expect_ = &step_->at("expect").as_object();
      now_ = time_of(one_, *step_);
      play_step(text(*step_, "op"), number(*step_, "n"));
    }
  }

 private:
  int64_t tokens() const { return capacity_ - bucket_->law.used(bucket_->state, now_); }

  void play_step(const std::string& op, int64_t n) {
    if (op == "try_consume") return try_consume(n);
    if (op == "refill" || op == "available")
      return verdict_.same("tokens", expected("tokens"), tokens());
    if (op == "wait_for") return wait_for(n);
    if (op == "add_tokens") return add_tokens(n);
    if (op == "consume_ignoring_limits") return consume_ignoring_limits(n);
    if (op == "force_add_tokens")
      return verdict_.differs("giving back never lifts a key above its burst (P2)");
    verdict_.wrong("unknown op " + op);
  }

  void try_consume(int64_t n) {
    const Decision d = bucket_->take(now_, n);
    verdict_.same("consumed", expected("consumed"), d.allowed);
    if (has(*expect_, "remaining")) verdict_.same("remaining", expected("remaining"), d.remaining);
    if (has(*expect_, "wait_ns") && d.retry_after != limit::kNever)
      verdict_.same("wait_ns", expected("wait_ns"), d.retry_after.count());
  }

  void wait_for(int64_t n) {
    const Decision d = bucket_->look(now_, n);
    if (n > capacity_)
      return verdict_.differs("a cost above the burst can never fit: we say never");
    verdict_.same("wait_ns", expected("wait_ns"), d.retry_after.count());
  }

  void add_tokens(int64_t n) {
    bucket_->state = bucket_->law.give_back(bucket_->state, now_, n, now_);
    verdict_.same("tokens", expected("tokens"), tokens());
  }

  void consume_ignoring_limits(int64_t n) {
    int64_t charged = 0;
    bucket_->state = bucket_->law.charge_over(bucket_->state, now_, n, n, charged);
    verdict_.same("charged", n, charged);
    verdict_.same("tokens", expected("tokens"), tokens());
    if (has(*expect_, "debt_wait_ns"))
      verdict_.same("debt_wait_ns", expected("debt_wait_ns"),
                    bucket_->look(now_, 0).retry_after.count());
  }

  int64_t expected(std::string_view name) const { return number(*expect_, name); }

  const json::object& one_;
  Verdict& verdict_;
  const json::object* step_ = nullptr;
  const json::object* expect_ = nullptr;
  Time now_{};
  int64_t capacity_ = 0;
  std::optional<Bucket> bucket_;
};

void play_bucket4j_greedy(const json::object& one, Verdict& verdict) {
  GreedyCase(one, verdict).play();
}

// uber-go/ratelimit: Take() blocks until its turn. A taker that sleeps retry_after each time.
void play_uber(const json::object& one, Verdict& verdict) {
  const json::object& config = config_of(one);
  if (number(config, "slack") != 0) {
    verdict.differs("a bucket starts full; slack starts empty and grows with idle time");
    return;
  }
  const int64_t period = has(config, "per_ms") ? number(config, "per_ms") * 1'000'000
                                               : number(config, "per_s", 1) * 1'000'000'000;
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const json::object& expect = step.at("expect").as_object();
    const std::string op = text(step, "op");
    Bucket bucket{gcra(number(config, "rate"), period, 1), {}};
    Time now = base::time_from(kStart);
    const auto next_grant = [&] {
      for (Decision d = bucket.take(now, 1); !d.allowed; d = bucket.take(now, 1))
        now += d.retry_after;
      return now;
    };
    if (op == "count_by") {
      const Time end = time_of(one, step);
      int64_t count = 0;
      while (next_grant() < end) ++count;
      const bool cut_by_them = period % number(config, "rate") != 0;
      if (cut_by_them && count + 1 == number(expect, "count"))
        verdict.differs(
            "the interval is kept exact, not cut to nanoseconds: the last grant falls on "
            "the instant itself, not just before it");
      else
        verdict.same("count", number(expect, "count"), count);
    } else if (op == "three_concurrent_takes_at") {
      for (const json::value& spacing : expect.at("grant_spacing_ms").as_array()) {
        const Time before = now;
        const int64_t waited = (next_grant() - before).count() / 1'000'000;
        verdict.same("spacing", spacing.to_number<int64_t>(), waited);
      }
    } else {
      verdict.wrong("unknown op " + op);
    }
  }
}

// A bucket4j configuration that is replaced: what was used stays used, which they call ADDITIVE.
void play_replacement(const json::object& one, Verdict& verdict) {
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const Time now = base::time_from(kStart);
    const int64_t capacity = number(step, "capacity");
    const int64_t wanted = number(step, "new_capacity");
    const Gcra old_law = gcra(capacity, 1'000'000'000, capacity);
    const Gcra new_law = gcra(wanted, 1'000'000'000, wanted);
    const auto old_state = old_law.with_used(capacity - number(step, "available"), now);
    const auto state = new_law.with_used(old_law.used(old_state, now), now);
    const int64_t available = wanted - new_law.used(state, now);
    if (wanted < capacity) {
      verdict.differs(
          "lowering a limit keeps what was used, so the key first pays its debt; "
          "Bucket4j keeps what was available");
      continue;
    }
    verdict.same("available", number(step.at("expect").as_object(), "ADDITIVE"), available);
  }
}

}  // namespace

void add_bucket_players(Players& players) {
  players["redis-cell-lib"] = play_redis_cell;
  players["redis_rate"] = play_redis_rate;
  players["throttlecrab"] = play_throttlecrab;
  players["gubernator-leaky"] = play_gubernator_leaky;
  players["bucket4j-greedy"] = play_bucket4j_greedy;
  players["bucket4j"] = play_replacement;
  players["uber-go"] = play_uber;
}

}  // namespace cases

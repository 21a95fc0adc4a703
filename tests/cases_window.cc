// Cases of fixed, sliding and calendar windows, played through the laws of those names.
#include <algorithm>
#include <memory>

#include "cases.h"
#include "limit/limit.h"

namespace cases {
namespace {

using base::Duration;
using base::Time;
using limit::Decision;

struct Window {
  limit::FixedWindow law;
  limit::WindowState state;

  Decision take(Time now, int64_t cost) {
    const auto proposal = law.check(state, now, cost);
    if (proposal.decision.allowed) state = proposal.next;
    return proposal.decision;
  }
  int64_t remaining(Time now) const { return law.check(state, now, 0).decision.remaining; }
};

Window window(int64_t count, Duration period) {
  return {limit::FixedWindow::make({count, period}).value(), {}};
}

// gubernator's TOKEN_BUCKET is a window from the first hit; the cases begin at an edge of ours.
void play_gubernator_token(const json::object& one, Verdict& verdict) {
  const json::object& config = config_of(one);
  Window key =
      window(number(config, "limit"), std::chrono::milliseconds(number(config, "duration_ms")));
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const json::object& expect = step.at("expect").as_object();
    const int64_t n = number(step, "n");
    const Time now = time_of(one, step);
    if (n < 0) key.state = key.law.give_back(key.state, now, -n, now);
    const Decision d = key.take(now, std::max<int64_t>(n, 0));
    if (!d.allowed && number(config, "drain_over_limit") != 0) {
      verdict.differs("a refusal costs nothing (P1), so it does not drain the window");
      return;
    }
    verdict.same_text("status", text(expect, "status"), d.allowed ? "UNDER_LIMIT" : "OVER_LIMIT");
    verdict.same("remaining", number(expect, "remaining"), d.remaining);
  }
}

// gubernator: limits that change, their request validation, and calendar spans.
void play_gubernator(const json::object& one, Verdict& verdict) {
  const std::string algorithm = text(one, "algorithm");
  if (algorithm == "validation")
    return verdict.differs("their request fields belong to a front of a later version");
  if (algorithm == "calendar_window") {
    const auto utc = std::make_shared<const limit::Zone>();
    const Time base = base::time_from(1'573'430'400'000'000'000);  // 2019-11-11T00:00:00Z
    for (const json::value& value : one.at("steps").as_array()) {
      const json::object& step = value.as_object();
      const std::string unit = text(step, "unit");
      using limit::CalendarUnit;
      const auto law =
          unit == "HOUR" || unit == "MINUTE"
              ? limit::FixedWindow::make({1, unit == "HOUR" ? Duration(std::chrono::hours(1))
                                                            : Duration(std::chrono::minutes(1))})
              : limit::FixedWindow::make_calendar(1,
                                                  unit == "DAY"     ? CalendarUnit::kDay
                                                  : unit == "MONTH" ? CalendarUnit::kMonth
                                                                    : CalendarUnit::kYear,
                                                  utc);
      const int64_t end = base::nanoseconds(law.value().window_at(base).end) / 1'000'000;
      verdict.same("end", number(step.at("expect").as_object(), "end_ms_inclusive"), end - 1);
    }
    return;
  }
  int64_t count = 0;
  limit::WindowState state;
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const json::object& set = step.at("set").as_object();
    if (text(set, "algorithm") != "token")
      return verdict.differs("a change of algorithm keeps what was used; theirs begins anew");
    const Time now = time_of(one, step);
    const Duration duration = std::chrono::milliseconds(number(config_of(one), "duration_ms"));
    const auto old_law = limit::FixedWindow::make({count, duration}).value();
    count = number(set, "limit");
    Window key = window(count, duration);
    key.state = key.law.with_used(old_law.used(state, now), now);
    const Decision d = key.take(now, number(step, "n"));
    state = key.state;
    verdict.same("remaining", number(step.at("expect").as_object(), "remaining"), d.remaining);
  }
}

// limitador counts in windows from the first hit; the cases begin at an edge of ours. Its headers
// and conditions belong to Envoy's front, a later version.
void play_limitador(const json::object& one, Verdict& verdict) {
  const json::object& config = config_of(one);
  if (!has(config, "max_value"))
    return verdict.differs(
        "limitador's conditions and domains belong to a front of a later version");
  Window key = window(number(config, "max_value"), std::chrono::seconds(number(config, "seconds")));
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const Decision d = key.take(time_of(one, step), number(step, "hits_addend", 1));
    verdict.same_text("code", text(step.at("expect").as_object(), "overall_code"),
                      d.allowed ? "OK" : "OVER_LIMIT");
  }
}

// upstash: refunds, played as units given back.
void play_upstash(const json::object& one, Verdict& verdict) {
  const json::object& config = config_of(one);
  const int64_t count = number(config, "limit");
  Window key = window(count, std::chrono::milliseconds(number(config, "window_ms")));
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const json::object& expect = step.at("expect").as_object();
    const Time now = time_of(one, step);
    const int64_t n = number(step, "n");
    if (number(expect, "remaining") > count)
      return verdict.differs("giving back never lifts a key above its limit (P2)");
    if (n < 0) {
      key.state = key.law.give_back(key.state, now, -n, now);
    } else {
      verdict.same("success", number(expect, "success"), key.take(now, n).allowed);
    }
    verdict.same("remaining", number(expect, "remaining"), key.remaining(now));
  }
}

// Two windows, the older one weighted. Estimates are fractions; ours are asked through `used`,
// which rounds up.
void play_two_windows(const json::object& one, Verdict& verdict) {
  const json::object& config = config_of(one);
  const Duration width = std::chrono::seconds(number(config, "window_s"));
  const auto law = limit::SlidingCounter::make({number(config, "limit"), width}).value();
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const Time start = base::time_from(kStart);
    limit::CounterState state = law.check({}, start, number(step, "prev_count")).next;
    state = law.check(state, start + width, 0).next;
    int64_t charged = 0;
    const Time now = start + width + std::chrono::seconds(number(step, "elapsed_in_window_s"));
    state = law.charge_over(state, now, number(step, "curr_count"), 0, charged);
    const double rate = step.at("expect").as_object().at("rate").to_number<double>();
    verdict.same("charged", number(step, "curr_count"), charged);
    verdict.same(
        "used",
        static_cast<int64_t>(rate) + (rate > static_cast<double>(static_cast<int64_t>(rate))),
        law.used(state, now));
  }
}

void play_pingora(const json::object& one, Verdict& verdict) {
  const auto law =
      limit::SlidingCounter::make(
          {1'000'000, std::chrono::milliseconds(number(config_of(one), "interval_ms"))})
          .value();
  limit::CounterState state;
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const json::object& expect = step.at("expect").as_object();
    const Time now = time_of(one, step);
    int64_t charged = 0;
    state = law.charge_over(state, now, number(step, "n"), 0, charged);
    if (has(expect, "window_count"))
      verdict.same("window_count", number(expect, "window_count"), state.current);
    if (const json::value* proportional = expect.if_contains("proportional")) {
      const double exact = proportional->to_number<double>();
      const auto whole = static_cast<int64_t>(exact);
      verdict.same("proportional", whole + (exact > static_cast<double>(whole)),
                   law.used(state, now));
    }
  }
}

// Bucket4j's "intervally" refill puts all units back at the end of each period: a fixed window.
class Interval {
 public:
  Interval(const json::object& one, Verdict& verdict)
      : one_(one),
        verdict_(verdict),
        capacity_(number(config_of(one), "capacity")),
        key_(window(capacity_, Duration(number(config_of(one), "refill_period_ns")))) {}

  void play() {
    const json::object& config = config_of(one_);
    if (number(config, "refill_tokens") != capacity_)
      return verdict_.differs("a refill smaller than the bucket, in steps, is no law of ours");
    if (kStart % number(config, "refill_period_ns") != 0)
      return verdict_.differs("windows are aligned to the epoch, not to the first use");
    key_.state = key_.law.with_used(capacity_ - number(config, "initial", capacity_),
                                    base::time_from(kStart));
    for (const json::value& value : one_.at("steps").as_array()) play_step(value.as_object());
  }

 private:
  void play_step(const json::object& step) {
    const json::object& expect = step.at("expect").as_object();
    const std::string op = text(step, "op");
    const Time now = time_of(one_, step);
    if (op == "available")
      return verdict_.same("tokens", number(expect, "tokens"), key_.remaining(now));
    const int64_t n = number(step, "n");
    const Decision d =
        op == "try_consume" ? key_.take(now, n) : key_.law.check(key_.state, now, n).decision;
    verdict_.same("allowed", number(expect, op == "try_consume" ? "consumed" : "can"), d.allowed);
    if (has(expect, "remaining"))
      verdict_.same("remaining", number(expect, "remaining"), d.remaining);
    if (has(expect, "wait_ns"))
      verdict_.same("wait_ns", number(expect, "wait_ns"), d.retry_after.count());
  }

  const json::object& one_;
  Verdict& verdict_;
  int64_t capacity_;
  Window key_;
};

void play_intervally(const json::object& one, Verdict& verdict) { Interval(one, verdict).play(); }

}  // namespace

void add_window_players(Players& players) {
  players["gubernator-token"] = play_gubernator_token;
  players["gubernator"] = play_gubernator;
  players["limitador-rls"] = play_limitador;
  players["upstash"] = play_upstash;
  players["two-window"] = play_two_windows;
  players["pingora-rate"] = play_pingora;
  players["bucket4j-intervally"] = play_intervally;
}

}  // namespace cases

#include "limiter/rate_fields.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <variant>

#include "base/wide.h"

namespace limiter {
namespace {

constexpr base::Duration kSecond = std::chrono::seconds(1);
constexpr int64_t kSfIntegerMax = 999'999'999'999'999;  // RFC 9651, 3.3.1.

int64_t ceil_seconds(base::Duration d) {
  return d.count() / kSecond.count() + (d.count() % kSecond.count() != 0);
}

void append_parameter(std::string_view name, int64_t value, std::string& out) {
  out.append(name);
  out += std::to_string(std::clamp<int64_t>(value, 0, kSfIntegerMax));
}

// How long `units` of a rate take, rounded down; cut to what fits.
base::Duration time_of(const limit::Rate& rate, int64_t units) {
  const base::Int128 span = base::Int128{rate.period.count()} * units / rate.count;
  return span > base::Duration::max().count() ? base::Duration::max()
                                              : base::Duration(static_cast<int64_t>(span));
}

// Seconds in which the whole limit comes back; nothing for limits without a rate.
std::optional<int64_t> window_seconds(const Limit& limit) {
  if (const auto* gcra = std::get_if<limit::Gcra>(&*limit.spec.law)) {
    return std::max<int64_t>(1, ceil_seconds(time_of(gcra->rate(), gcra->burst())));
  }
  if (std::holds_alternative<limit::Concurrency>(*limit.spec.law)) return std::nullopt;
  if (limit.spec.rate.period <= base::Duration::zero()) return std::nullopt;
  return std::max<int64_t>(1, ceil_seconds(limit.spec.rate.period));
}

// Seconds until more is there than now; nothing where that is unknown, or everything is there.
std::optional<int64_t> seconds_to_more(const LimitAnswer& met) {
  const limit::Decision& decision = met.decision;
  if (!decision.allowed) {
    if (decision.retry_after == limit::kNever) return std::nullopt;
    return ceil_seconds(decision.retry_after);
  }
  if (decision.remaining >= decision.limit || decision.reset_after == limit::kNever) return {};
  if (std::holds_alternative<limit::Concurrency>(*met.limit->spec.law)) return {};
  if (const auto* gcra = std::get_if<limit::Gcra>(&*met.limit->spec.law)) {
    // All is there after reset_after; all but one unit of it are missing longer than the next is.
    const int64_t later = decision.limit - decision.remaining - 1;
    return ceil_seconds(
        std::max(decision.reset_after - time_of(gcra->rate(), later), base::Duration::zero()));
  }
  return ceil_seconds(decision.reset_after);
}

// The limits that the fields speak of: one for each name.
struct Policies {
  std::array<const LimitAnswer*, kPoliciesMax> limits;
  size_t size = 0;

  static bool tighter(const limit::Decision& a, const limit::Decision& b) {
    if (a.allowed != b.allowed) return !a.allowed;
    return a.allowed ? a.remaining < b.remaining : a.retry_after > b.retry_after;
  }
  void take(const LimitAnswer& met) {
    for (size_t i = 0; i < size; ++i) {
      if (limits[i]->limit->name != met.limit->name) continue;
      if (tighter(met.decision, limits[i]->decision)) limits[i] = &met;
      return;
    }
    if (size < kPoliciesMax) limits[size++] = &met;
  }
};

Policies policies_of(const Answer& decided) {
  Policies policies;
  const auto speaks = [](const LimitAnswer& met) {
    return met.limit != nullptr && met.limit->spec.law && !met.limit->spec.shadow &&
           met.decision.limit != kNoLimit;
  };
  for (const LimitAnswer& met : decided.limits) {  // Those that refuse always have a place.
    if (speaks(met) && !met.decision.allowed) policies.take(met);
  }
  for (const LimitAnswer& met : decided.limits) {
    if (speaks(met) && met.decision.allowed) policies.take(met);
  }
  return policies;
}

void append_policy(const LimitAnswer& met, std::string& out) {
  if (!out.empty()) out += ", ";
  append_sf_string(met.limit->name, out);
  append_parameter(";q=", met.decision.limit, out);
  if (std::holds_alternative<limit::Concurrency>(*met.limit->spec.law)) {
    out += ";qu=\"concurrent-requests\"";
  }
  if (const auto window = window_seconds(*met.limit)) append_parameter(";w=", *window, out);
}

void append_remaining(const LimitAnswer& met, std::string& out) {
  if (!out.empty()) out += ", ";
  append_sf_string(met.limit->name, out);
  append_parameter(";r=", met.decision.remaining, out);
  if (const auto seconds = seconds_to_more(met)) append_parameter(";t=", *seconds, out);
}

}  // namespace

void append_sf_string(std::string_view name, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  out += '"';
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

RateFields rate_fields(const Answer& decided) {
  const Policies policies = policies_of(decided);
  RateFields fields;
  for (const LimitAnswer* met : std::span(policies.limits).first(policies.size)) {
    append_policy(*met, fields.policy);
    if (decided.allowed || !met->decision.allowed) append_remaining(*met, fields.remaining);
  }
  return fields;
}

std::string refusing_field(std::string_view name, const limit::Decision& refused) {
  std::string remaining;
  append_sf_string(name, remaining);
  append_parameter(";r=", refused.remaining, remaining);
  if (refused.retry_after != limit::kNever) {
    append_parameter(";t=", ceil_seconds(refused.retry_after), remaining);
  }
  return remaining;
}

std::string retry_after_field(const limit::Decision& refused) {
  if (refused.retry_after == limit::kNever) return {};
  return std::to_string(std::max<int64_t>(1, ceil_seconds(refused.retry_after)));
}

}  // namespace limiter

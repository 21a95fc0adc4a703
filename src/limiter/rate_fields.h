// The HTTP fields by which an answer speaks of limits, as text for whoever writes the answer:
// Retry-After (RFC 9110, 10.2.3), RateLimit and RateLimit-Policy
// (draft-ietf-httpapi-ratelimit-headers-10, structured fields of RFC 9651).
//
//   RateLimit-Policy: "per-tenant";q=100;w=60, "in-flight";q=8;qu="concurrent-requests"
//   RateLimit: "per-tenant";r=0;t=3
//   Retry-After: 3
//
// Policies are all limits that the ask met; RateLimit has those too when allowed, and only the
// refusing ones when not, so that no `t` is behind Retry-After. `w` is the time in which the whole
// of `q` comes back: the window, and of a bucket burst · period / count. A name that several limits
// share stands once, with the least that remains. Shadow limits and limits that count nothing are
// left out: they refuse nobody. So are those whose store is gone and that allow then. At most
// kPoliciesMax names.
#pragma once
#include <string>
#include <string_view>

#include "limit/limit.h"
#include "limiter/limiter.h"

namespace limiter {

inline constexpr size_t kPoliciesMax = 16;

struct RateFields {       // Empty: the field is left out.
  std::string policy;     // RateLimit-Policy
  std::string remaining;  // RateLimit
};
RateFields rate_fields(const Answer& decided);

// RateLimit where only the name and numbers of the refusing limit are known.
std::string refusing_field(std::string_view name, const limit::Decision& refused);

// Retry-After: whole seconds, rounded up, at least 1. Empty where it can never succeed.
std::string retry_after_field(const limit::Decision& refused);

// Appends `name` as a structured field's string; bytes that it may not hold as %XX.
void append_sf_string(std::string_view name, std::string& out);

}  // namespace limiter

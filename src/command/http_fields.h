// The fields by which an HTTP answer speaks of limits: Retry-After (RFC 9110, 10.2.3), RateLimit
// and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10, structured fields of RFC 9651).
//
//   RateLimit-Policy: "per-tenant";q=100;w=60, "in-flight";q=8;qu="concurrent-requests"
//   RateLimit: "per-tenant";r=0;t=3
//   Retry-After: 3
//
// Policies are all limits that the ask met; RateLimit has those too when allowed, and only the
// refusing ones when not, so that no `t` is behind Retry-After. `w` is the time in which the whole
// of `q` comes back: the window, and of a bucket burst · period / count. A name that several limits
// share stands once, with the least that remains. Shadow limits and limits that count nothing are
// left out: they refuse nobody. At most kPoliciesMax names.
#pragma once
#include <string>
#include <string_view>

#include "command/http_api.h"
#include "limit/limit.h"
#include "limiter/limiter.h"

namespace command {

inline constexpr size_t kPoliciesMax = 16;

void add_rate_limit_fields(const limiter::Answer& decided, HttpAnswer& answer);

// Whole seconds, rounded up, at least 1. None where it can never succeed.
void add_retry_after(const limit::Decision& refused, HttpAnswer& answer);

// Where only the name and numbers of the refusing limit are known: RateLimit alone.
void add_refusing_limit(std::string_view name, const limit::Decision& refused, HttpAnswer& answer);

// Appends `name` as a structured field's string; bytes that it may not hold as %XX.
void append_sf_string(std::string_view name, std::string& out);

}  // namespace command

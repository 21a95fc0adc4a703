// One limit, in our form or in envoyproxy/ratelimit's. docs/limits.md describes both for people.
#pragma once
#include <optional>

#include "config/reading.h"
#include "limiter/limits.h"

namespace config {

// "100/s burst 200", or a map (name, algorithm, rate, burst, …). Nothing if it is no good; every
// problem is reported.
std::optional<limiter::LimitSpec> read_limit(const yaml::Node& node, LimitContext& context,
                                             Reading& reading);

// A `rate_limit` map: unit, requests_per_unit, unlimited, name, replaces. A fixed window.
std::optional<limiter::LimitSpec> read_rate_limit(const yaml::Node& node,
                                                  const LimitContext& context, Reading& reading);

}  // namespace config

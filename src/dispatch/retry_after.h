// The fields by which a server says how long to stay away.
#pragma once
#include <optional>
#include <string_view>

#include "base/time.h"

namespace dispatch {

inline constexpr base::Duration kWaitMax = std::chrono::hours(24);

// Retry-After (RFC 9110 10.2.3): seconds or one of the three HTTP dates, cut to kWaitMax; a date
// that has passed is 0. Nothing: absent or malformed.
std::optional<base::Duration> parse_retry_after(std::string_view field, base::Time wall);

// RateLimit (draft-ietf-httpapi-ratelimit-headers): when units come back, if none is left ("r=0").
// Of several policies the strictest. Nothing: absent, malformed, something is left, or the answer
// comes out of a cache (`age` above 0).
std::optional<base::Duration> parse_ratelimit(std::string_view field, std::string_view age);

}  // namespace dispatch

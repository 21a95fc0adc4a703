// The fields by which an HTTP answer speaks of limits (limiter/rate_fields.h), added to it.
#pragma once
#include <string_view>

#include "command/http_api.h"
#include "limit/limit.h"
#include "limiter/limiter.h"

namespace command {

void add_rate_limit_fields(const limiter::Answer& decided, HttpAnswer& answer);

// None where it can never succeed.
void add_retry_after(const limit::Decision& refused, HttpAnswer& answer);

// Where only the name and numbers of the refusing limit are known: RateLimit alone.
void add_refusing_limit(std::string_view name, const limit::Decision& refused, HttpAnswer& answer);

}  // namespace command

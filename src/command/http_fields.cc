#include "command/http_fields.h"

#include <utility>

#include "limiter/rate_fields.h"

namespace command {
namespace {

void add(std::string_view name, std::string&& value, HttpAnswer& answer) {
  if (!value.empty()) answer.headers.emplace_back(name, std::move(value));
}

}  // namespace

void add_rate_limit_fields(const limiter::Answer& decided, HttpAnswer& answer) {
  limiter::RateFields fields = limiter::rate_fields(decided);
  add("RateLimit-Policy", std::move(fields.policy), answer);
  add("RateLimit", std::move(fields.remaining), answer);
}

void add_retry_after(const limit::Decision& refused, HttpAnswer& answer) {
  add("Retry-After", limiter::retry_after_field(refused), answer);
}

void add_refusing_limit(std::string_view name, const limit::Decision& refused, HttpAnswer& answer) {
  add("RateLimit", limiter::refusing_field(name, refused), answer);
}

}  // namespace command

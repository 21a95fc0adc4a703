// CL.THROTTLE as redis-cell has it (https://github.com/brandur/redis-cell), but for the rate: ours
// is exactly count per period, theirs a whole number of nanoseconds for each unit.
#include "command/law_cache.h"
#include "command/verbs.h"
#include "command/words.h"

namespace command {
namespace {

constexpr int64_t kPeriodSecondsMax = INT64_MAX / 1'000'000'000;  // In nanoseconds it must fit.

// Whole seconds, one more if whole milliseconds are left over; less than one is dropped, as
// redis-cell does.
int64_t dialect_seconds(base::Duration d) {
  const int64_t ms = d.count() / 1'000'000;
  return ms / 1'000 + (ms % 1'000 != 0);
}

struct Terms {
  limit::Rate rate;
  int64_t burst;
  int64_t quantity;
};

base::Result<Terms> parse_terms(std::span<const std::string_view> words) {
  const auto max_burst = parse_number("max_burst", words[2], {0, INT64_MAX - 1});
  if (!max_burst) return max_burst.error();
  const auto count = parse_number("count", words[3], {0, INT64_MAX});
  if (!count) return count.error();
  const auto period = parse_number("period", words[4], {0, kPeriodSecondsMax});
  if (!period) return period.error();
  int64_t quantity = 1;
  if (words.size() > 5) {
    const auto given = parse_number("quantity", words[5], {0, INT64_MAX});
    if (!given) return given.error();
    quantity = *given;
  }
  if (*count == 0 || *period == 0) return base::invalid("Zero rates are not supported", "count");
  return Terms{{*count, std::chrono::seconds(*period)}, *max_burst + 1, quantity};
}

bool ask_throttle(Call& call, limiter::Batch& batch) {
  if (call.services().decider != nullptr) {
    call.fail(base::invalid("CL.THROTTLE is not there where limits are kept in a store", "key"));
    return false;
  }
  const auto terms = parse_terms(call.words());
  if (!terms) {
    call.fail(terms.error());
    return false;
  }
  const auto law = call.laws().get(terms->rate, terms->burst);
  if (!law) {
    call.fail(law.error());
    return false;
  }
  static_assert(std::is_trivially_destructible_v<limit::Gcra>);
  void* const room = call.keep().allocate(sizeof(limit::Gcra), alignof(limit::Gcra));
  batch.add_throttle(call.word(1), *new (room) limit::Gcra(*law), terms->quantity);
  return true;
}

void answer_throttle(std::span<const std::string_view>, const limiter::Answer& answer,
                     protocol::Writer& writer) {
  const limit::Decision& numbers = answer.numbers;
  const bool waits = !answer.allowed && numbers.retry_after != limit::kNever;
  writer.list(5).integer(answer.allowed ? 0 : 1).integer(numbers.limit).integer(numbers.remaining);
  writer.integer(waits ? dialect_seconds(numbers.retry_after) : -1);
  writer.integer(dialect_seconds(numbers.reset_after));
}

constexpr Verb kRows[] = {
    {.name = "CL.THROTTLE",
     .arguments = "key max_burst count period_s [quantity]",
     .answers = "list of five integers: limited (1/0), limit (max_burst + 1), remaining, seconds "
                "until a retry (−1: allowed, or never), seconds until full",
     .help = "redis-cell's limiter: a key with the limit that it brings along; quantity 0 only "
             "looks. Not where limits are in a store.",
     .theme = Theme::kLimits,
     .words_min = 5,
     .words_max = 6,
     .flags = kPlain,
     .run = nullptr,
     .ask = ask_throttle,
     .answer = answer_throttle},
};

}  // namespace

std::span<const Verb> throttle_verbs() { return kRows; }

}  // namespace command

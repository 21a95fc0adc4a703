// "100/s burst 200" of any bytes: an error, or a rate whose spelling reads back to the same, and a
// law that can be made or says why not.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "limit/limit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const base::Result<limit::RateText> read = limit::parse_rate(text);
  if (!read) {
    CHECK(!read.error().what.empty());
    return 0;
  }
  CHECK(read->rate.count >= 0 && read->rate.period.count() > 0);
  CHECK(!read->burst || *read->burst >= 1);
  const base::Result<limit::RateText> again = limit::parse_rate(limit::to_string(read->rate));
  CHECK(again && again->rate == read->rate);
  const auto law = limit::Gcra::make(read->rate, read->burst.value_or(read->rate.count));
  CHECK(law || !law.error().what.empty());
  if (law) {
    const auto full = law->check({}, base::time_from(1'700'000'000'000'000'000), law->burst());
    CHECK(full.decision.allowed && full.decision.remaining == 0);
  }
  return 0;
}

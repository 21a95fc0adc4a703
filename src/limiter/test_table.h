// For tests of the table: keys by number, laws in a word, one decision in a line.
#pragma once
#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "base/hash.h"
#include "limiter/table.h"

namespace limiter {

inline constexpr base::Time kNow = base::time_from(1'750'000'000'123'456'789);

inline base::Hash128 key_of(uint64_t number) {
  return base::hash128("key:" + std::to_string(number), 7);
}

struct TestTable {
  explicit TestTable(TableOptions options = {.memory_bytes_max = size_t{64} << 20})
      : table(options, laws) {}

  // The law of hits made here lives as long as the bed.
  const Law* known(const Law& law) { return &laws.at(laws.number(law).value()); }
  Hit hit(uint64_t key, const Law& law, int64_t cost = 1) {
    return {.key = key_of(key),
            .law = known(law),
            .law_number = laws.number(law).value(),
            .cost = cost,
            .shadow = false};
  }

  struct Answer {
    bool allowed;
    std::vector<limit::Decision> decisions;
  };
  Answer decide(const std::vector<Hit>& hits, base::Time now, Purpose purpose = Purpose::kCharge,
                HoldTerms hold = {}) {
    Answer answer{true, std::vector<limit::Decision>(hits.size())};
    answer.allowed = table.decide(hits, now, purpose, answer.decisions, hold);
    return answer;
  }
  limit::Decision one(const Hit& hit, base::Time now, Purpose purpose = Purpose::kCharge) {
    return decide({hit}, now, purpose).decisions[0];
  }
  int64_t remaining(const Hit& hit, base::Time now) {
    return one(hit, now, Purpose::kPeek).remaining;
  }

  Laws laws;
  Table table;
};

inline Law per_second(int64_t count, int64_t burst) {
  return limit::Gcra::make({count, std::chrono::seconds(1)}, burst).value();
}
inline Law window_of(int64_t count, base::Duration period = std::chrono::seconds(60)) {
  return limit::FixedWindow::make({count, period}).value();
}
inline Law counter_of(int64_t count, base::Duration period = std::chrono::seconds(60)) {
  return limit::SlidingCounter::make({count, period}).value();
}
inline Law log_of(int64_t count, base::Duration period = std::chrono::seconds(60)) {
  return limit::SlidingLog::make({count, period}).value();
}
inline Law holds_of(int64_t cap, base::Duration ttl_max = std::chrono::seconds(60)) {
  return limit::Concurrency::make(cap, ttl_max).value();
}

}  // namespace limiter

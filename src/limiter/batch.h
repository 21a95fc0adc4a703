// Asks, what they meet, and their answers. All vectors keep their room from batch to batch.
#pragma once
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "limiter/gather.h"
#include "limiter/limiter.h"
#include "limiter/published.h"

namespace limiter {

struct BatchState {
  struct Item {
    Ask ask;
    std::string_view throttle_key;
    uint32_t law = kNoLaw;  // Index in laws: this is a throttle ask. Its cost is ask.cost.
    Domains domains;
    GatheredSpan span;
  };
  static constexpr uint32_t kNoLaw = ~uint32_t{0};

  std::vector<Item> items;
  std::vector<Law> laws;  // The first laws_used belong to items; the others wait to be reused.
  size_t laws_used = 0;

  // Shared: names in answers are views into it, whatever a reload does meanwhile. Kept after
  // clear(), so that the next batch takes the lock of the current one only after a reload.
  std::shared_ptr<const Published> published;

  Gathered gathered;
  std::vector<limit::Decision> decisions;  // As gathered.hits.
  std::vector<LimitAnswer> rows;           // As gathered.met.
  std::vector<Answer> answers;             // As items.
};

}  // namespace limiter

// What one thread's conversations work on while they feed. A feed never gives up the thread while
// decisions are pending, so a thread needs one desk, and ten thousand idle connections need no
// memory for batches.
#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "command/errand.h"
#include "command/law_cache.h"
#include "command/verb.h"

namespace command {

inline constexpr size_t kBatchMax = 64;  // Decisions that meet the limiter together.

struct Desk {
  struct Pending {
    const Verb* verb;
    size_t first, count;  // Of words.
  };

  std::vector<Pending> pending;
  std::vector<std::string_view> words;  // Of the pending decisions.
  limiter::Batch batch;                 // Their asks.
  std::array<std::byte, 32 * 1024> room;
  std::pmr::monotonic_buffer_resource keep{room.data(), room.size()};  // What the asks point to.
  LawCache laws;
  limiter::Batch toll;  // One ask of the `server` domain.
  std::string refusal;  // Of a decision that was wrong; it leaves behind those before it.
  std::shared_ptr<Errand> errand;  // Requests to shards; null: none. Not while others are pending.

  // Verbs called in a row are counted together.
  const Verb* called = nullptr;
  uint64_t times = 0;
  uint64_t feeds = 0;

  void clear() {
    batch.clear();
    pending.clear();
    words.clear();
    keep.release();
  }
};

Desk& desk_of_this_thread();  // Nothing is pending on it between two requests that are not
                              // decisions.

}  // namespace command

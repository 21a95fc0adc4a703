// One thread's way to hashes: memory, then the store, then a computation.
//
//   get() ─► HashShop ─ first ─► GET, PTTL (kPatience at most) ─ there ─► found()
//                                   │ not there, gone, or slow ─► compute() ─► SET PX
//
// Thread: its loop's.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "gateway/counts.h"
#include "gateway/hash_shop.h"
#include "redis/redis.h"

namespace io {
class Loop;
}

namespace gateway {

class HashDesk {
 public:
  static constexpr base::Duration kPatience = std::chrono::milliseconds(5);

  // References outlive it. `store`: nothing: memory alone. `patience`: with each call of it.
  HashDesk(io::Loop& loop, HashShop& shop, const ComputeHash& options, const base::Clock& clock,
           Counts& counts, const std::optional<redis::Options>& store,
           base::Duration patience = kPatience);
  ~HashDesk();
  HashDesk(const HashDesk&) = delete;
  HashDesk& operator=(const HashDesk&) = delete;

  // `done` is called once, now or later; not at all once this is gone. kFull: too many wait.
  using Done = std::function<void(const base::Result<HashShop::Made>& made)>;
  void get(std::string_view data, Done done);

  // Nothing: there is no store.
  std::optional<bool> store_up() const;

 private:
  struct Body;
  std::shared_ptr<Body> body_;
};

}  // namespace gateway

// What is open: reservations that wait for their commit, and the holds of each ACQUIRE.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "limiter/gather.h"
#include "limiter/limits.h"
#include "limiter/siphash.h"

namespace limiter {

// Descriptors with the bytes that they view. Not movable: the views point inside.
class DescriptorCopy {
 public:
  explicit DescriptorCopy(std::span<const Descriptor> descriptors);
  DescriptorCopy(const DescriptorCopy&) = delete;
  DescriptorCopy& operator=(const DescriptorCopy&) = delete;
  std::span<const Descriptor> get() const { return descriptors_; }

 private:
  std::string text_;
  std::vector<Entry> entries_;
  std::vector<Descriptor> descriptors_;
};

enum class OpenKind : char { kReservation = 'r', kHold = 'h' };  // The first letter of its id.

struct Charged {  // One state that was charged.
  base::Hash128 key;
  LawNumber law_number = kAdHoc;  // That it was charged under.
  int64_t cost = 0;               // In all.
  int64_t times = 1;              // How many descriptors met in it.
  bool counts_cost = true;
  bool hold = false;
};

struct Opening {
  Opening(std::string_view domain_name, std::span<const Descriptor> path)
      : domain(domain_name), descriptors(path) {}
  std::string id;
  uint64_t hold_id = 0;
  base::Time charged;  // When.
  base::Time ends;
  int64_t cost = 0;
  std::string domain;
  DescriptorCopy descriptors;
  std::vector<Charged> charges;
};

// Of reserve() and acquire(), of renew(), and of an id that is not open.
base::Status validate_opening(const Ask& ask, base::Duration ttl, base::Duration ttl_max);
base::Status validate_ttl(base::Duration ttl, base::Duration ttl_max);
base::Error not_open(std::string_view id, OpenKind kind);
// The shortest that a concurrency limit among them allows.
base::Duration cut_ttl(std::span<const Met> met, base::Duration ttl);
int64_t saturating_multiply(int64_t a, int64_t b);  // REQUIRES: a, b >= 0.

// New ids. Thread: any.
class Ids {
 public:
  // Ids of two seeds are as different as the seeds are: a new one in each process, and no id is
  // ever used again.
  explicit Ids(uint64_t seed);
  struct Id {
    std::string text;
    uint64_t hold_id;
  };
  Id next(OpenKind kind);

 private:
  SipKey text_high_, text_low_, hold_;
  std::atomic<uint64_t> count_{0};
};

// Thread: any.
class Openings {
 public:
  explicit Openings(size_t open_max) : open_max_(open_max) {}

  // A place for one more; false: none is left. Then either put() or give_up().
  bool take_place();
  void give_up() { places_.fetch_sub(1, std::memory_order_relaxed); }
  void put(std::unique_ptr<Opening> opening);

  // Removes it and hands it out; null if it is not there, of another kind, or over by `now`.
  std::unique_ptr<Opening> take(std::string_view id, OpenKind kind, base::Time now);

  // Calls `change` with the opening, which returns its new end, or one that is over: then it is
  // removed. Nobody else sees it meanwhile. False as take() returns null, or if removed.
  template <typename Change>
  bool change(std::string_view id, OpenKind kind, base::Time now, Change&& change);

  // Forgets what is over by `now`, at most `each` in each shard.
  void end_due(base::Time now, size_t each);

  size_t size(OpenKind kind) const;

 private:
  using ByEnd = std::multimap<base::Time, Opening*>;
  struct Place {
    std::unique_ptr<Opening> opening;
    ByEnd::iterator end;
  };
  struct alignas(64) Shard {
    base::Mutex mutex;
    // The id views the opening's own.
    std::unordered_map<std::string_view, Place> by_id GUARDED_BY(mutex);
    ByEnd by_end GUARDED_BY(mutex);
  };
  static constexpr size_t kShards = 16;

  Shard& shard_of(std::string_view id);
  std::unique_ptr<Opening> remove(Shard& shard, std::string_view id) REQUIRES_LOCK(shard.mutex);
  std::atomic<size_t>& count_of(OpenKind kind) {
    return kind == OpenKind::kHold ? holds_ : reservations_;
  }

  const size_t open_max_;
  std::atomic<size_t> places_{0}, reservations_{0}, holds_{0};
  std::array<Shard, kShards> shards_;
};

template <typename Change>
bool Openings::change(std::string_view id, OpenKind kind, base::Time now, Change&& change) {
  if (id.empty() || id.front() != static_cast<char>(kind)) return false;
  Shard& shard = shard_of(id);
  base::Guard guard(shard.mutex);
  const auto found = shard.by_id.find(id);
  if (found == shard.by_id.end() || found->second.opening->ends <= now) return false;
  Place& place = found->second;
  place.opening->ends = change(*place.opening);
  if (place.opening->ends <= now) {
    remove(shard, id);
    return false;
  }
  shard.by_end.erase(place.end);
  place.end = shard.by_end.emplace(place.opening->ends, place.opening.get());
  return true;
}

}  // namespace limiter

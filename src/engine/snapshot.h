// One snapshot being written, in slices; and the loading of one.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "engine/books.h"
#include "engine/keep.h"

namespace engine {

// Thread: the shard's.
class SnapshotSlices {
 public:
  // `from`: the first sequence that is replayed on top of it.
  SnapshotSlices(Books& books, wal::Sequence from) : books_(books), from_(from) {}

  using Records = std::vector<std::pair<Kind, std::string>>;
  // The next records; empty when all has been said but end().
  Records next();
  // The last records. `counted_from`: totals include all before it.
  Records end(wal::Sequence counted_from, base::Time last_instant);
  wal::Sequence from() const { return from_; }

 private:
  void queues(Records& to);
  void messages(Records& to);
  void seen(Records& to);

  Books& books_;
  const wal::Sequence from_;
  enum class Phase : uint8_t { kQueues, kMessages, kSeen, kEnd } phase_ = Phase::kQueues;
  std::string after_;  // The name of the last queue.
  uint64_t cursor_ = 0;
};

// Puts the records of a snapshot into empty books.
class SnapshotLoader {
 public:
  explicit SnapshotLoader(Books& books) : books_(books) {}
  base::Status take(Kind kind, std::string_view body);
  const Keeper::Loaded& loaded() const { return loaded_; }

 private:
  struct Flow {
    bool told = false;
    queue::QueueId queue = 0;
    std::string key, descriptors;
  };
  Books& books_;
  std::vector<Flow> flows_;  // By the number that they had.
  Keeper::Loaded loaded_;
};

}  // namespace engine

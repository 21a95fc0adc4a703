// All that a shard knows, but for who waits: its queues and what every record does to them.
//
// apply() is the only way in: the live path calls it with the values it has just logged, replay
// with the values of the record. It asks nobody and decides nothing. Values are absolute, so a
// record that is applied twice, or to a snapshot that has seen it already, changes nothing more;
// one that speaks of a message or queue that has gone since is passed over.
//
// Thread: one owner.
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_map.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/place.h"
#include "engine/record.h"
#include "engine/template.h"
#include "queue/queue.h"
#include "wal/wal.h"

namespace engine {

// What the shard keeps of a queue beside queue::Store.
struct QueueBook {
  queue::QueueId id = 0;
  std::string name;
  queue::Settings settings;
  Templates templates;
  Stats::Totals totals;
  uint64_t gone = 0;  // Messages that came and went.
  RedriveRecord redrive;
  bool declared = false;
  bool touched = false;  // The owner's mark: something may go.
};

struct Reason {
  Cause cause = Cause::kNone;
  std::string text;
};

class Books {
 public:
  explicit Books(uint64_t seed);
  ~Books();
  Books(const Books&) = delete;
  Books& operator=(const Books&) = delete;

  void apply(const QueueRecord& record);
  void apply(const Stored& message, Place place, uint32_t bytes);
  void apply(const Move& move);
  void apply(const Done& done);
  void apply(const RedriveRecord& redrive);
  void purge(queue::QueueId id);
  void drop(queue::QueueId id);
  void relocate(queue::Number number, Place place, uint32_t bytes);
  // From a snapshot.
  void restore(const queue::Arrival& arrival, const queue::Standing& standing,
               const Reason& reason);
  void restore(queue::QueueId id, const Stats::Totals& totals, uint64_t gone);
  void settle_memory();  // After a restart: what queues of kMemory held is gone.
  // Decodes and applies.
  base::Status replay(Kind kind, std::string_view body, wal::Position position);
  // Totals are counted only from now on: what is replayed first is in the snapshot's totals.
  void count(bool counted) { counted_ = counted; }

  QueueBook* find(std::string_view name);
  QueueBook* find(queue::QueueId id);
  queue::Store& store() { return store_; }
  const queue::Store& store() const { return store_; }
  const Reason* reason(queue::Number number) const;  // Null: none is known.
  template <typename Visit>
  void each(Visit&& visit) {
    for (auto& [id, book] : by_id_) visit(*book);
  }
  size_t queues() const { return by_id_.size(); }

  base::Hash128 dedup_hash(queue::QueueId id, std::string_view dedup) const;
  queue::QueueId next_queue_id() const { return next_queue_id_; }
  void at_least(queue::QueueId next) { next_queue_id_ = std::max(next_queue_id_, next); }

  SegmentBytes& live() { return live_; }         // Bytes of messages that are there, by segment.
  uint64_t waiting() const { return waiting_; }  // Logged messages that are ready or delayed, …
  uint64_t leased() const { return leased_; }    // … and leased, for the room that they reserve.

  base::Status check() const;

 private:
  void forget(Place place, uint32_t bytes);
  void count_move(QueueBook& book, Cause cause);
  void reserve(const queue::View& view, int64_t sign);
  void note_reason(const Move& move);

  const uint64_t seed_;
  queue::Store store_;
  boost::unordered_flat_map<queue::QueueId, std::unique_ptr<QueueBook>> by_id_;
  boost::unordered_flat_map<std::string_view, QueueBook*> by_name_;  // Views of the books' names.
  boost::unordered_map<queue::Number, Reason> reasons_;
  queue::QueueId next_queue_id_ = 1;
  SegmentBytes live_;
  uint64_t waiting_ = 0, leased_ = 0;
  bool counted_ = true;
};

}  // namespace engine

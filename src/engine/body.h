// What an Engine is made of, and the verbs that run on it (verbs.cc, deliver.cc, settle.cc,
// queues.cc, opening.cc). Each part has its own state; the body joins them.
//
//   Request ─► verbs ─► append() ─► wal::Log        Books ◄─ apply(), live and in replay
//                 └──── answer() ─► Answers ─► done (when the batch is back)
//   DEQUEUE ─► deliver() ─► Gate (limits) ─► lease
#pragma once
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "engine/answers.h"
#include "engine/books.h"
#include "engine/consumers.h"
#include "engine/engine.h"
#include "engine/gate.h"
#include "engine/keep.h"
#include "engine/metrics.h"
#include "engine/targets.h"

namespace engine {

// A lease that ends with its connection (LEASE 0), not by time.
inline constexpr base::Time kTied = base::time_from(int64_t{1} << 62);

struct Engine::Body {
  Body(EngineOptions engine_options, base::Disk& disk, std::string directory,
       limiter::Taker& charged);

  // Opening (opening.cc).
  base::Status open(base::Time now);
  void on_push(std::function<void(std::string_view, const queue::Push&)> told);
  void adopt(base::Time now);
  void declare(const Declared& declared, base::Time now);

  // Verbs. Each answers now, or keeps the request.
  void run(Request& request, base::Time now);
  void run(Enqueue& asked, Request& request, base::Time now);
  void run(Dequeue& asked, Request& request, base::Time now);
  void run(Ack& asked, Request& request, base::Time now);
  void run(Nack& asked, Request& request, base::Time now);
  void run(Requeue& asked, Request& request, base::Time now);
  void run(Extend& asked, Request& request, base::Time now);
  void run(Remove& asked, Request& request, base::Time now);
  void run(Show& asked, Request& request, base::Time now);
  void run(Why& asked, Request& request, base::Time now);
  void run(ListQueues& asked, Request& request, base::Time now);
  void run(Stats& asked, Request& request, base::Time now);
  void run(SetQueue& asked, Request& request, base::Time now);
  void run(Purge& asked, Request& request, base::Time now);
  void run(DeleteQueue& asked, Request& request, base::Time now);
  void run(ListDead& asked, Request& request, base::Time now);
  void run(Redrive& asked, Request& request, base::Time now);
  void run(Check& asked, Request& request, base::Time now);
  void run(Targets& asked, Request& request, base::Time now);
  void run(Cancel& asked, Request& request, base::Time now);
  void run(Leave& asked, Request& request, base::Time now);

  // Answers. Durability: of what the answer tells.
  void answer(Request& request, queue::Durability durability);
  void refuse(Request& request, base::Error error,
              queue::Durability durability = queue::Durability::kFsync);
  void read(Request& request, const queue::View& view, std::string& to);

  // The log.
  base::Result<wal::Log::Appended> append(Kind kind, std::initializer_list<std::string_view> parts,
                                          queue::Durability durability);
  void fail(const base::Error& error);
  enum class Reserve : uint8_t { kAck, kLease, kSettle, kEnqueue };  // What may be used up for it.
  bool room_for(size_t bytes, Reserve reserve);
  uint64_t reserved() const;
  bool defer(Request& request, size_t bytes);
  void resume(base::Time now);

  // Moves (settle.cc). False: no room in the log (kReadOnly).
  bool move(const queue::View& view, const queue::Standing& to, Cause cause,
            std::string_view reason = {}, Reserve reserve = Reserve::kSettle);
  bool finish(const queue::View& view, Cause cause);
  bool give_back(const queue::View& view, base::Duration delay, Cause cause, base::Time now);
  bool fail_once(const queue::View& view, std::optional<base::Duration> delay, Cause cause,
                 std::string_view reason, bool dead, base::Time now);
  base::Duration backoff(const queue::Backoff& backoff, uint16_t failures);
  base::Result<queue::View> held(const Receipt& receipt) const;
  void release_holds(const queue::View& view, base::Time now);
  queue::Durability durability_of(queue::QueueId id);
  uint64_t hold_id(queue::Number number, uint16_t attempt) const;
  uint64_t hold_of(queue::Number number) const;  // Of its next delivery.
  // What messages of a flow ask of limits; without a domain: nothing. Valid until the next call.
  limiter::Ask ask_of(const queue::Store::Flow& flow, int64_t cost);

  // Deliveries (deliver.cc).
  enum class Delivered : uint8_t { kSome, kNothing, kLost };
  Delivered deliver(Request& request, QueueBook& book, base::Time now);
  bool lease(Request& request, QueueBook& book, queue::Number number, base::Duration length,
             base::Time now);
  base::Duration lease_of(const Dequeue& asked, const QueueBook& book) const;
  void serve(queue::QueueId id, base::Time now);
  uint64_t wanted(Request& request, const QueueBook& book) const;
  bool awaits(const Dequeue& asked);
  void answer_impatient(const QueueBook& book);
  void touch(QueueBook& book);
  void touch(queue::QueueId id);

  // Queues (queues.cc).
  base::Result<QueueBook*> queue_for(std::string_view name, bool create);
  base::Result<QueueBook*> set_queue(std::string_view name, QueueBook* book,
                                     const queue::Settings& settings);
  QueueRow row_of(QueueBook& book);
  Shown shown(const queue::View& view);

  // Time (tick.cc).
  void advance(base::Time now);
  void pass(const queue::Due& due, base::Time now);
  void tick(base::Time now);
  void redrive(base::Time now);
  void publish(base::Time now);
  base::Time due() const;
  void stop(base::Time now);

  // Batches (batch.cc).
  wal::Batch take(base::Time now);
  void give_back(wal::Batch batch, base::Time now);
  uint64_t waits_for(queue::Durability durability) const;

  EngineOptions options;
  base::Disk& disk;
  const std::string dir;
  limiter::Taker& taker;
  Engine::Metrics metrics;
  Books books;
  Gate gate;
  Consumers consumers;
  Answers answers;
  std::unique_ptr<wal::Log> log;
  std::unique_ptr<Keeper> keeper;
  base::Random random;

  std::function<void(std::string_view queue, const queue::Push& push)> pushed;  // May be null.
  TargetsWalk targets;
  base::Status status;
  base::Time last_instant{};
  base::Time now_{};       // Of the present call; callbacks of the gate use it.
  base::Time advanced_{};  // What is due by then has been done.
  base::Time published_{};
  uint32_t start = 1;
  uint64_t count = 0;           // Of numbers given in this start.
  uint64_t next_batch = 1;      // The number of the batch that will be taken next.
  uint64_t out = 0;             // Of the one that is out; 0: none.
  uint64_t written = 0;         // Of the last one that the system has.
  size_t last_batch_bytes = 0;  // As much again should have room.
  bool dirty = false;           // Something is logged, or to be read, that no batch has taken.
  mutable std::atomic<bool> promises_os{false};  // Some answer has waited for the system only.
  bool stopping = false;
  bool reaping = false;
  struct Reading {
    Request* request;
    std::string* to;
  };
  std::vector<Request*> deferred;        // They wait for room in the log.
  size_t room_wanted = 0;                // By the first of them.
  std::deque<Reading> readings;          // As in the batches' reads, in order.
  std::vector<queue::QueueId> touched;   // Whose consumers are to be served.
  std::vector<queue::QueueId> redrives;  // Queues that are putting dead letters back.
  struct Tied {  // A lease of one connection: another's of the same message is another attempt.
    queue::Number number;
    uint16_t attempt;
  };
  boost::unordered_flat_map<uint64_t, std::vector<Tied>> tied;  // By connection.
  void tie(uint64_t connection, Tied lease);
  std::optional<queue::View> find(const Tied& lease) const;  // Nothing: it has ended.
  AskText asks;
  std::string head;     // Scratch of encoders.
  std::string scratch;  // Scratch of encoders.
};

}  // namespace engine

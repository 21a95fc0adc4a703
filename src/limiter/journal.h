// The door through which durable limits remember (P9). Implementations: server/'s, over wal::Log;
// one in tests that can lose what was not durable.
//
// For each state of a durable limit the limiter appends a record *before* units are charged: the
// state as it is, and a block of units that may be charged from then on. A charge that goes beyond
// the last durable block waits for the next one. After a crash the last durable record of a state
// is its state with the whole block used, as of the restart: so a crash may waste a block, and
// never admits more than the limit (docs/algorithms.md has the picture).
//
//   decide ── no block ──► append(record) ─► n        refused, Answer::logging
//                                owner: log, sync
//          journaled(n) ◄────────┘                    watchers of the state are told
//   decide ── covered ──► charged; half of it used ──► append(the next block)
//
// The owner, at the start: for each record of the log, in order, Limiter::recover(record, now) with
// one and the same `now`, before anything is decided. Keys in records are hashed with
// LimiterOptions::seed, so the seed must be the one of the log: keep it beside it.
//
// The owner, now and then, so that the log stays bounded: begins a new file, calls
// Limiter::rejournal() until it says that it is done, and when all that is durable removes the
// files before the new one.
#pragma once
#include <cstdint>
#include <string_view>

namespace limiter {

// Thread: any, several at once.
class Journal {
 public:
  static constexpr size_t kRecordBytes = 80;  // Each record has this size.

  virtual ~Journal() = default;
  // Takes a copy of the record and returns its number: above 0, growing in the order in which
  // records are in the log. Later the owner calls Limiter::journaled() with the number, or
  // Limiter::journal_failed().
  // Called with a spin lock of the room held: must not wait, nor call the limiter.
  virtual uint64_t append(std::string_view record) = 0;
};

}  // namespace limiter

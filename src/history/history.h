// The door of the room: judges what clients recorded of a server (docs/formats/history.md).
//
//   files ─► Reader ─► History ─► check() ─► Verdict: the earliest violation, and the lines of it
//
// Cost: O(n log n); about 350 bytes of memory an event. Thread: one owner.
#pragma once
#include <cstdint>

#include "history/event.h"    // IWYU pragma: export
#include "history/finding.h"  // IWYU pragma: export
#include "history/ledger.h"   // IWYU pragma: export
#include "history/reader.h"   // IWYU pragma: export

namespace history {

struct Verdict {
  Findings findings;
  uint64_t events = 0, messages = 0, deliveries = 0, lives = 0;
};

Verdict check(History history, const Options& options);

}  // namespace history

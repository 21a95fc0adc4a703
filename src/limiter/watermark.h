// What a record of the journal says: a state, told without the table, and a block of units.
//
// 80 bytes, ten little-endian words:
//
//   0      1 (the format) | kind << 8
//   1 2    key: low, high
//   3      block: units that may have been charged since
//   4 5 6  the law: count, period in ns, burst
//   7 8 9  the state:  GCRA              TAT, part
//                      fixed window      start, units
//                      calendar window   units, its end, the end of the next window
//                      sliding counter   start, units, units of the window before
//                      sliding log       units, the instant of the last charge
//
// A record without a state (kGone) ends the key.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"
#include "base/time.h"
#include "limiter/journal.h"
#include "limiter/law.h"
#include "limiter/slot.h"

namespace limiter {

struct Watermark {
  enum class Kind : uint8_t { kGcra, kWindow, kCalendar, kCounter, kLog, kGone };
  Kind kind = Kind::kGone;
  base::Hash128 key{};
  int64_t block = 0;
  int64_t count = 0, period = 0, burst = 0;
  std::array<int64_t, 3> state{};
  friend bool operator==(const Watermark&, const Watermark&) = default;
};

using WatermarkRecord = std::array<char, Journal::kRecordBytes>;
WatermarkRecord encode(const Watermark& mark);
// kInvalid: not a record of this format.
base::Result<Watermark> decode(std::string_view record);

// The mark of a state under its law. A null slot is an idle state.
// REQUIRES: the slot is adopted by `law`, a rate.
Watermark watermark_of(base::Hash128 key, const Slot* slot, const Law& law, base::Time now);
// Until when a block under this law may be charged: a calendar's windows have no period, so a
// record knows the end of two of them only.
base::Time block_ends(const Law& law, base::Time now);

// The law that a recovered state lives under: the mark's own. A calendar window becomes a sliding
// log that ends with it; the table converts it when the limit is met. Nothing: the mark holds
// nothing any more. kInvalid: no law has such numbers.
base::Result<std::optional<Law>> law_of(const Watermark& mark, base::Time now);
// The state with its block used. REQUIRES: `law` is law_of(mark, now), known as `number`.
Slot slot_of(const Watermark& mark, const Law& law, LawNumber number, base::Time now);

}  // namespace limiter

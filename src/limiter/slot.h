// One key in the table: 32 bytes.
//
//   low    64 bits of the hash; its low end chooses the segment
//   tag    40 bits of the hash, which give the position in the segment | 4 bits kind | 20 bits law
//   words  the state: up to 16 bytes of it, or a pointer to it and the bytes counted for it
//
// A slot is plain bytes and is moved as such; what it owns is ended by drop() (limiter/cell.h).
#pragma once
#include <array>
#include <cstdint>
#include <type_traits>

#include "base/hash.h"
#include "limiter/law.h"

namespace limiter {

// A block's words: until when; and, for one that is half open from then on, how long a probe has
// for itself, with kProbing while one is out.
inline constexpr uint64_t kProbing = uint64_t{1} << 63;

enum class Kind : uint8_t {
  kGcra,
  kWindow,
  kCounter,
  kLog,
  kHolds,
  kBlock
};  // As in Law, then one.

inline constexpr int kLabelBits = 24;
inline constexpr uint64_t kLabelSpan = uint64_t{1} << kLabelBits;
inline constexpr uint64_t kLawMask = kLawsMax - 1;
inline constexpr int kKindShift = 20;
inline constexpr uint64_t kEmptyTag = ~uint64_t{0};  // Kind 15: no slot that holds a key has it.
static_assert(kLawsMax == 1u << kKindShift);

// Where a key belongs.
struct Place {
  uint64_t low;
  uint64_t tag;  // The label's bits are 0.
};

inline Place place_of(base::Hash128 key) {
  const uint64_t tag = key.high & ~(kLabelSpan - 1);
  // The greatest tag is lent to empty slots, so that one comparison ends a search.
  return {key.low, tag == (kEmptyTag & ~(kLabelSpan - 1)) ? tag - kLabelSpan : tag};
}

struct Slot {
  uint64_t low = 0;
  uint64_t tag = kEmptyTag;
  std::array<uint64_t, 2> words{};

  static Slot make(Place place, Kind kind, LawNumber law) {
    return {place.low, place.tag | label(kind, law), {}};
  }
  static uint64_t label(Kind kind, LawNumber law) {
    return static_cast<uint64_t>(kind) << kKindShift | law;
  }

  bool empty() const { return tag == kEmptyTag; }
  Kind kind() const { return static_cast<Kind>(tag >> kKindShift & 0xf); }
  LawNumber law() const { return static_cast<LawNumber>(tag & kLawMask); }
  bool labelled(Kind kind, LawNumber law) const {
    return (tag & (kLabelSpan - 1)) == label(kind, law);
  }
  void relabel(Kind kind, LawNumber law) { tag = (tag & ~(kLabelSpan - 1)) | label(kind, law); }
};
static_assert(sizeof(Slot) == 32 && std::is_trivially_copyable_v<Slot>);

}  // namespace limiter

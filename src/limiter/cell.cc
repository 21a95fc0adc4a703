#include "limiter/cell.h"

#include <algorithm>
#include <bit>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"

namespace limiter {
namespace {

using limit::Concurrency;
using limit::FixedWindow;
using limit::Gcra;
using limit::SlidingCounter;
using limit::SlidingLog;

template <typename L>
struct StateOf;
template <>
struct StateOf<Gcra> {
  using Type = limit::GcraState;
};
template <>
struct StateOf<FixedWindow> {
  using Type = limit::WindowState;
};
template <>
struct StateOf<SlidingCounter> {
  using Type = limit::CounterState;
};
template <>
struct StateOf<SlidingLog> {
  using Type = limit::LogState;
};
template <>
struct StateOf<Concurrency> {
  using Type = limit::HoldState;
};
template <typename L>
using State = typename StateOf<L>::Type;

template <typename L>
inline constexpr bool kInline =
    sizeof(State<L>) <= sizeof(Slot::words) && std::is_trivially_copyable_v<State<L>>;
template <typename L>
inline constexpr bool kIsHolds = std::is_same_v<L, Concurrency>;
template <typename L>
inline constexpr bool kIsLog = std::is_same_v<L, SlidingLog>;

static_assert(kInline<Gcra> && kInline<FixedWindow> && !kInline<SlidingCounter>);

template <Kind kind>
using LawOf = std::variant_alternative_t<static_cast<size_t>(kind), Law>;
static_assert(std::is_same_v<LawOf<Kind::kGcra>, Gcra> &&
              std::is_same_v<LawOf<Kind::kWindow>, FixedWindow> &&
              std::is_same_v<LawOf<Kind::kCounter>, SlidingCounter> &&
              std::is_same_v<LawOf<Kind::kLog>, SlidingLog> &&
              std::is_same_v<LawOf<Kind::kHolds>, Concurrency>);

template <typename L>
State<L>* owned(const Slot& slot) {
  return std::bit_cast<State<L>*>(slot.words[0]);
}

// A copy of a state in the slot, a reference to one that it owns.
template <typename L>
decltype(auto) get(const Slot& slot) {
  if constexpr (kInline<L>) {
    return std::bit_cast<State<L>>(slot.words);
  } else {
    return static_cast<const State<L>&>(*owned<L>(slot));
  }
}

template <typename L>
void put(Slot& slot, State<L> state) {
  if constexpr (kInline<L>) {
    slot.words = std::bit_cast<decltype(slot.words)>(state);
  } else {
    *owned<L>(slot) = std::move(state);
  }
}

template <typename L>
void begin(Slot& slot) {
  slot.words = {};
  if constexpr (!kInline<L>) slot.words[0] = std::bit_cast<uint64_t>(new State<L>());
}

// Whether a state of `old` needs no conversion under `law`.
template <typename L>
bool same_shape(const L& law, const Law& old) {
  const L* const before = std::get_if<L>(&old);
  if (before == nullptr) return false;
  if constexpr (kIsHolds<L>) return true;
  if constexpr (kIsLog<L> || std::is_same_v<L, SlidingCounter>) {
    return before->rate().period == law.rate().period;
  }
  return false;
}

template <typename L>
bool usable(const Slot& slot, const L& law, const Hit& hit, const Laws& laws) {
  if (slot.labelled(kind_of(*hit.law), hit.law_number)) return hit.law_number != kAdHoc;
  return slot.law() != kAdHoc && same_shape(law, laws.at(slot.law()));
}

// REQUIRES: not usable() as it is.
template <typename L>
State<L> converted(const Slot& slot, const L& law, base::Time now, const Laws& laws) {
  if constexpr (kIsHolds<L>) {
    return {};
  } else {
    if (slot.law() == kAdHoc) {
      if constexpr (std::is_same_v<L, Gcra>) return law.fitted(get<Gcra>(slot));
      return {};
    }
    const int64_t used = std::visit(
        [&]<typename Old>(const Old& old) -> int64_t {
          return kIsHolds<Old> ? 0 : old.used(get<Old>(slot), now);
        },
        laws.at(slot.law()));
    return law.with_used(used, now);
  }
}

template <typename L>
limit::Decision decision(const L& law, const State<L>& state, int64_t cost, base::Time now) {
  if constexpr (kIsLog<L> || kIsHolds<L>) {
    return law.check(state, now, cost);
  } else {
    return law.check(state, now, cost).decision;
  }
}

// The ids of a hit's holds, one for each unit of its cost.
uint64_t nth_id(uint64_t id, int64_t n) {
  return id + static_cast<uint64_t>(n) * 0x9e3779b97f4a7c15u;
}

// What the heap takes for a block, beside what was asked for.
constexpr size_t kBlockOverhead = 16;

template <typename L>
size_t state_growth(const L& law, const State<L>& state, const Hit& hit, base::Time now) {
  if constexpr (kIsLog<L>) return law.growth(state, now);
  if constexpr (kIsHolds<L>) return law.growth(state, now, hit.cost);
  return 0;
}

}  // namespace

limit::Decision check(const Slot* slot, const Hit& hit, int64_t cost, base::Time now,
                      const Laws& laws) {
  return std::visit(
      [&]<typename L>(const L& law) {
        if (slot == nullptr) return decision(law, State<L>{}, cost, now);
        if (usable(*slot, law, hit, laws)) return decision(law, get<L>(*slot), cost, now);
        return decision(law, converted(*slot, law, now, laws), cost, now);
      },
      *hit.law);
}

namespace {

template <typename L>
bool fits_later(const L& law, const State<L>& state, const Two& two, base::Time now) {
  if constexpr (kIsHolds<L>) {
    return true;
  } else if constexpr (kIsLog<L>) {  // Not copied: the charge is still in the window then, or not.
    const base::Duration kept = law.check(state, now, two.first).reset_after;
    const bool gone = now + std::max(kept, law.rate().period) <= two.later;
    const int64_t cost = gone ? two.then : saturating_add(two.first, two.then);
    return law.check(state, two.later, cost).allowed;
  } else {
    int64_t charged = 0;
    const State<L> next = law.charge_over(state, now, two.first, two.overdraft, charged);
    return law.check(next, two.later, two.then).decision.allowed;
  }
}

}  // namespace

bool fits_later(const Slot* slot, const Hit& hit, const Two& two, base::Time now,
                const Laws& laws) {
  return std::visit(
      [&]<typename L>(const L& law) {
        if (slot == nullptr) return fits_later(law, State<L>{}, two, now);
        if (usable(*slot, law, hit, laws)) return fits_later(law, get<L>(*slot), two, now);
        return fits_later(law, converted(*slot, law, now, laws), two, now);
      },
      *hit.law);
}

bool idle(const Slot& slot, base::Time now, const Laws& laws) {
  if (slot.kind() == Kind::kGcra) return Gcra::idle(get<Gcra>(slot), now);
  if (slot.kind() == Kind::kBlock) return block_of(slot).over(now);
  return std::visit([&]<typename L>(const L& law) { return law.idle(get<L>(slot), now); },
                    laws.at(slot.law()));
}

Block block_of(const Slot& slot) {
  return {.until = base::time_from(static_cast<int64_t>(slot.words[0])),
          .probe = base::Duration(static_cast<int64_t>(slot.words[1] & ~kProbing)),
          .probing = (slot.words[1] & kProbing) != 0};
}

void put(Slot& slot, const Block& block) {
  slot.words[0] = static_cast<uint64_t>(base::nanoseconds(block.until));
  slot.words[1] = static_cast<uint64_t>(block.probe.count()) | (block.probing ? kProbing : 0);
}

Slot fresh(const Hit& hit) {
  CHECK(hit.law_number != kAdHoc || kind_of(*hit.law) == Kind::kGcra);
  Slot slot = Slot::make(place_of(hit.key), kind_of(*hit.law), hit.law_number);
  std::visit([&]<typename L>(const L&) { begin<L>(slot); }, *hit.law);
  return slot;
}

void drop(Slot& slot) {
  switch (slot.kind()) {
    case Kind::kCounter:
      delete owned<SlidingCounter>(slot);
      break;
    case Kind::kLog:
      delete owned<SlidingLog>(slot);
      break;
    case Kind::kHolds:
      delete owned<Concurrency>(slot);
      break;
    case Kind::kGcra:
    case Kind::kWindow:
    case Kind::kBlock:
      break;
  }
}

void adopt(Slot& slot, const Hit& hit, base::Time now, const Laws& laws) {
  CHECK(slot.kind() != Kind::kBlock);
  std::visit(
      [&]<typename L>(const L& law) {
        if (!usable(slot, law, hit, laws)) {
          State<L> next = converted(slot, law, now, laws);
          drop(slot);
          begin<L>(slot);
          put<L>(slot, std::move(next));
        }
        slot.relabel(kind_of(*hit.law), hit.law_number);
      },
      *hit.law);
}

void charge(Slot& slot, const Hit& hit, base::Time now) {
  std::visit(
      [&]<typename L>(const L& law) {
        if constexpr (kIsLog<L>) {
          law.charge(*owned<L>(slot), now, hit.cost);
        } else if constexpr (!kIsHolds<L>) {
          put<L>(slot, law.check(get<L>(slot), now, hit.cost).next);
        }
      },
      *hit.law);
}

void take(Slot& slot, const Hit& hit, const HoldTerms& terms, base::Time now) {
  const auto& law = std::get<Concurrency>(*hit.law);
  const base::Time until = now + (terms.cut ? std::min(terms.ttl, law.ttl_max()) : terms.ttl);
  hold(slot, hit, terms.id, until, now);
}

void hold(Slot& slot, const Hit& hit, uint64_t hold_id, base::Time until, base::Time now) {
  const auto& law = std::get<Concurrency>(*hit.law);
  for (int64_t i = 0; i < hit.cost; ++i) {
    law.hold(*owned<Concurrency>(slot), now, nth_id(hold_id, i), until);
  }
}

void give_back(Slot& slot, const Hit& hit, base::Time charged, int64_t cost, base::Time now) {
  std::visit(
      [&]<typename L>(const L& law) {
        if constexpr (kIsLog<L>) {
          law.give_back(*owned<L>(slot), charged, cost, now);
        } else if constexpr (!kIsHolds<L>) {
          put<L>(slot, law.give_back(get<L>(slot), charged, cost, now));
        }
      },
      *hit.law);
}

int64_t charge_over(Slot& slot, const Hit& hit, base::Time now, int64_t cost, int64_t overdraft) {
  return std::visit(
      [&]<typename L>(const L& law) -> int64_t {
        int64_t charged = 0;
        if constexpr (kIsLog<L>) {
          charged = law.charge_over(*owned<L>(slot), now, cost, overdraft);
        } else if constexpr (!kIsHolds<L>) {
          put<L>(slot, law.charge_over(get<L>(slot), now, cost, overdraft, charged));
        }
        return charged;
      },
      *hit.law);
}

bool renew(Slot& slot, const Hit& hit, uint64_t hold_id, base::Time until, base::Time now) {
  const auto& law = std::get<Concurrency>(*hit.law);
  bool all = true;
  for (int64_t i = 0; i < hit.cost; ++i) {
    all &= law.renew(*owned<Concurrency>(slot), now, nth_id(hold_id, i), until);
  }
  return all;
}

bool extend(Slot& slot, const Hit& hit, uint64_t hold_id, base::Time until, base::Time now) {
  const bool all = release(slot, hit, hold_id, now);
  if (all) hold(slot, hit, hold_id, until, now);
  return all;
}

bool release(Slot& slot, const Hit& hit, uint64_t hold_id, base::Time now) {
  const auto& law = std::get<Concurrency>(*hit.law);
  bool all = true;
  for (int64_t i = 0; i < hit.cost; ++i) {
    all &= law.release(*owned<Concurrency>(slot), now, nth_id(hold_id, i));
  }
  return all;
}

int64_t growth(const Slot* slot, const Hit& hit, base::Time now, const Laws& laws) {
  return std::visit(
      [&]<typename L>(const L& law) -> int64_t {
        if constexpr (kInline<L>) return 0;
        if (slot != nullptr && usable(*slot, law, hit, laws))
          return static_cast<int64_t>(state_growth(law, get<L>(*slot), hit, now));
        const size_t blocks = kIsLog<L> || kIsHolds<L> ? 2 : 1;
        return static_cast<int64_t>(sizeof(State<L>) + blocks * kBlockOverhead +
                                    state_growth(law, State<L>{}, hit, now));
      },
      *hit.law);
}

int64_t heap_counted(const Slot& slot) {
  const bool owns =
      slot.kind() == Kind::kCounter || slot.kind() == Kind::kLog || slot.kind() == Kind::kHolds;
  return owns ? static_cast<int64_t>(slot.words[1]) : 0;
}

int64_t recount(Slot& slot) {
  size_t bytes = kBlockOverhead;
  switch (slot.kind()) {
    case Kind::kCounter:
      bytes += sizeof(limit::CounterState);
      break;
    case Kind::kLog:
      bytes += sizeof(limit::LogState) + kBlockOverhead + owned<SlidingLog>(slot)->bytes();
      break;
    case Kind::kHolds:
      bytes += sizeof(limit::HoldState) + kBlockOverhead + owned<Concurrency>(slot)->bytes();
      break;
    case Kind::kGcra:
    case Kind::kWindow:
    case Kind::kBlock:
      return 0;
  }
  slot.words[1] = bytes;
  return static_cast<int64_t>(bytes);
}

}  // namespace limiter

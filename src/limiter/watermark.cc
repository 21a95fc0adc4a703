#include "limiter/watermark.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "limiter/cell.h"

namespace limiter {

namespace {

constexpr uint64_t kFormat = 1;
constexpr size_t kWords = Journal::kRecordBytes / sizeof(uint64_t);
static_assert(std::endian::native == std::endian::little);

using Words = std::array<uint64_t, kWords>;

uint64_t word(int64_t value) { return static_cast<uint64_t>(value); }
int64_t number(uint64_t value) { return static_cast<int64_t>(value); }

void tell_law(Watermark& mark, Watermark::Kind kind, limit::Rate rate, int64_t burst = 0) {
  mark.kind = kind;
  mark.count = rate.count;
  mark.period = rate.period.count();
  mark.burst = burst;
}

// In a slot as limiter/cell.h lays it out.
template <typename State>
State inline_state(const Slot* slot) {
  return slot == nullptr ? State{} : std::bit_cast<State>(slot->words);
}
template <typename State>
const State& owned_state(const Slot* slot) {
  static const State kIdle{};
  return slot == nullptr ? kIdle : *std::bit_cast<const State*>(slot->words[0]);
}

void tell(Watermark& mark, const limit::Gcra& law, const Slot* slot, base::Time) {
  tell_law(mark, Watermark::Kind::kGcra, law.rate(), law.burst());
  const auto state = inline_state<limit::GcraState>(slot);
  mark.state = {state.tat, number(state.part), 0};
}

void tell(Watermark& mark, const limit::FixedWindow& law, const Slot* slot, base::Time now) {
  const auto state = inline_state<limit::WindowState>(slot);
  if (!law.calendar()) {
    tell_law(mark, Watermark::Kind::kWindow, law.rate());
    mark.state = {state.start, state.used, 0};
    return;
  }
  tell_law(mark, Watermark::Kind::kCalendar, law.rate());
  // An earlier clock stays in the state's window, as the law does.
  const base::Time in = state.used > 0 ? std::max(now, base::time_from(state.start)) : now;
  mark.state = {law.used(state, now), base::nanoseconds(law.window_at(in).end),
                base::nanoseconds(block_ends(law, in))};
}

void tell(Watermark& mark, const limit::SlidingCounter& law, const Slot* slot, base::Time) {
  tell_law(mark, Watermark::Kind::kCounter, law.rate());
  const auto& state = owned_state<limit::CounterState>(slot);
  mark.state = {state.start, state.current, state.previous};
}

void tell(Watermark& mark, const limit::SlidingLog& law, const Slot* slot, base::Time now) {
  tell_law(mark, Watermark::Kind::kLog, law.rate());
  const auto& state = owned_state<limit::LogState>(slot);
  const int64_t used = law.used(state, now);
  const base::Duration left = law.check(state, now, 0).reset_after;
  const base::Time last = used > 0 ? now + left - law.rate().period : now;
  mark.state = {used, base::nanoseconds(last), 0};
}

void tell(Watermark&, const limit::Concurrency&, const Slot*, base::Time) {
  CHECK(false);  // Holds are not durable.
}

}  // namespace

WatermarkRecord encode(const Watermark& mark) {
  const Words words{kFormat | static_cast<uint64_t>(mark.kind) << 8,
                    mark.key.low,
                    mark.key.high,
                    word(mark.block),
                    word(mark.count),
                    word(mark.period),
                    word(mark.burst),
                    word(mark.state[0]),
                    word(mark.state[1]),
                    word(mark.state[2])};
  return std::bit_cast<WatermarkRecord>(words);
}

base::Result<Watermark> decode(std::string_view record) {
  if (record.size() != Journal::kRecordBytes)
    return base::invalid("a record of the limits' journal has 80 bytes, not " +
                         std::to_string(record.size()));
  Words words;
  std::memcpy(words.data(), record.data(), sizeof words);
  const uint64_t kind = words[0] >> 8;
  if ((words[0] & 0xff) != kFormat || kind > static_cast<uint64_t>(Watermark::Kind::kGone))
    return base::invalid("a record of the limits' journal has an unknown format or kind");
  Watermark mark{.kind = static_cast<Watermark::Kind>(kind),
                 .key = {words[1], words[2]},
                 .block = number(words[3]),
                 .count = number(words[4]),
                 .period = number(words[5]),
                 .burst = number(words[6]),
                 .state = {number(words[7]), number(words[8]), number(words[9])}};
  if (mark.block < 0) return base::invalid("a record of the limits' journal has a block below 0");
  return mark;
}

Watermark watermark_of(base::Hash128 key, const Slot* slot, const Law& law, base::Time now) {
  Watermark mark{.key = key};
  std::visit([&](const auto& each) { tell(mark, each, slot, now); }, law);
  return mark;
}

base::Time block_ends(const Law& law, base::Time now) {
  const auto* const window = std::get_if<limit::FixedWindow>(&law);
  if (window == nullptr || !window->calendar()) return base::Time::max();
  return window->window_at(window->window_at(now).end).end;
}

namespace {

// How long a calendar's units stay used, and how many: the block may have been used in the window
// of the restart.
struct Left {
  int64_t units = 0;
  base::Duration time{};
};
Left left_of_calendar(const Watermark& mark, base::Time now) {
  const base::Time end = base::time_from(mark.state[1]), next = base::time_from(mark.state[2]);
  if (now < end)
    return {saturating_add(std::max(mark.state[0], int64_t{0}), mark.block), end - now};
  if (now < next) return {mark.block, next - now};
  return {};
}

template <typename L>
base::Result<std::optional<Law>> some(const base::Result<L>& law) {
  if (!law) return law.error();
  return std::optional<Law>(*law);
}

}  // namespace

base::Result<std::optional<Law>> law_of(const Watermark& mark, base::Time now) {
  const limit::Rate rate{mark.count, base::Duration(mark.period)};
  switch (mark.kind) {
    case Watermark::Kind::kGcra:
      return some(limit::Gcra::make(rate, mark.burst));
    case Watermark::Kind::kWindow:
      return some(limit::FixedWindow::make(rate));
    case Watermark::Kind::kCounter:
      return some(limit::SlidingCounter::make(rate));
    case Watermark::Kind::kLog:
      return some(limit::SlidingLog::make(rate));
    case Watermark::Kind::kCalendar: {
      const Left left = left_of_calendar(mark, now);
      if (left.units == 0) break;
      return some(limit::SlidingLog::make({1, left.time}));  // Its count is never asked about.
    }
    case Watermark::Kind::kGone:
      break;
  }
  return std::optional<Law>();
}

namespace {

// The state of the mark alone, in a slot of its law.
void put_state(const Watermark& mark, const Law& law, Slot& slot, base::Time now) {
  const auto [a, b, c] = mark.state;
  switch (mark.kind) {
    case Watermark::Kind::kGcra:
      slot.words = std::bit_cast<decltype(slot.words)>(
          std::get<limit::Gcra>(law).fitted({a, static_cast<uint64_t>(b)}));
      break;
    case Watermark::Kind::kWindow:
      slot.words = std::bit_cast<decltype(slot.words)>(limit::WindowState{a, b});
      break;
    case Watermark::Kind::kCounter:
      *std::bit_cast<limit::CounterState*>(slot.words[0]) = {a, b, c};
      break;
    case Watermark::Kind::kLog:  // All its units as of the last charge: later than they were.
      *std::bit_cast<limit::LogState*>(slot.words[0]) =
          std::get<limit::SlidingLog>(law).with_used(a, base::time_from(b));
      break;
    case Watermark::Kind::kCalendar:
      *std::bit_cast<limit::LogState*>(slot.words[0]) =
          std::get<limit::SlidingLog>(law).with_used(left_of_calendar(mark, now).units, now);
      break;
    case Watermark::Kind::kGone:
      break;
  }
}

}  // namespace

Slot slot_of(const Watermark& mark, const Law& law, LawNumber number, base::Time now) {
  const Hit hit{.key = mark.key, .law = &law, .law_number = number, .cost = mark.block};
  Slot slot = fresh(hit);
  put_state(mark, law, slot, now);
  // As far as there is room, for no charge ever went beyond; GCRA's room may end within a unit.
  const int64_t part_of_unit = mark.kind == Watermark::Kind::kGcra ? 1 : 0;
  if (mark.kind != Watermark::Kind::kCalendar)
    charge_over(slot, hit, now, mark.block, part_of_unit);
  return slot;
}

}  // namespace limiter

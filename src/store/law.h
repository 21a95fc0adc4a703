// A law of src/limit/ as the store keeps it: the same numbers, in whole microseconds.
//
// The script decides and keeps the states. What it tells of each is the state as a hit met it; what
// is left, when to come again and when all is free the instance works out itself, by the law.
#pragma once
#include <cstdint>
#include <string>
#include <variant>

#include "base/result.h"
#include "base/time.h"
#include "limiter/law.h"

namespace store {

inline constexpr int64_t kExact = int64_t{1} << 53;  // Lua's numbers are exact up to here.

constexpr int64_t whole_us(base::Duration d) { return d.count() / 1000; }
constexpr int64_t ceil_us(base::Duration d) { return d.count() / 1000 + (d.count() % 1000 > 0); }
constexpr int64_t whole_us(base::Time t) { return base::nanoseconds(t) / 1000; }
base::Duration from_us(int64_t us);  // kNever if it does not fit.

// A state as a hit met it. By law: gcra ahead and part of now, life of grants; window start, used,
// end; counter start, current, previous; log used, when the cost fits, the last charge; holds held,
// when the cost fits, when the last ends. Instants in microseconds.
struct Seen {
  bool allowed = false;
  bool unknown =
      false;  // A calendar's window that was not named: `a` is the instant to name it by.
  int64_t a = 0, b = 0, c = 0;
  int64_t now = 0;  // By the store's clock.
};

// Thread: any (immutable).
class Law {
 public:
  enum class Kind : uint8_t { kGcra = 1, kWindow, kCounter, kLog, kHolds };  // As the script's.

  // kInvalid ("rate", "burst"): its numbers do not fit (store.h, check()).
  static base::Result<Law> make(const limiter::Law& law, int64_t overdraft = 0);

  Kind kind() const { return kind_; }
  bool holds() const { return kind_ == Kind::kHolds; }

  // How long the units of a grant may be spent, and how many may be out: of a GCRA rate · life, at
  // most a quarter of the burst; of a window a quarter of its count. Zero: the limit is too small
  // for grants, or of another kind.
  base::Duration grant_life() const { return from_us(life_us_); }
  int64_t grant_units() const { return grant_units_; }
  // What is given back for units that were charged so long ago: units - rate · age, rounded down;
  // of a window all of them.
  int64_t worth(int64_t units, base::Duration age) const;
  base::Duration span_of(int64_t units) const;  // Rounded up. REQUIRES: gcra; units <= burst.
  int64_t burst() const { return count_; }

  // Kind and numbers for the script, kPackedBytes. A calendar names the window that `about` lies in
  // and the one after it.
  static constexpr size_t kPackedBytes = 41;
  void pack(base::Time about, std::string& out) const;
  // What tells it from other laws. Of a calendar without its windows.
  std::string name() const;

  // What `cost` is answered in the state that was seen, at the instant `now` (us), which is not
  // before it was seen. For another cost, of a log or holds, retry_after means nothing.
  limit::Decision decide(const Seen& seen, int64_t now, int64_t cost) const;

 private:
  using Micro = std::variant<std::monostate, limit::Gcra, limit::SlidingCounter>;

  void set_grants();

  Kind kind_ = Kind::kGcra;
  int64_t count_ = 0;      // Or burst, or cap.
  int64_t period_ = 0;     // Of a calendar's window 0, of holds the longest.
  int64_t u_ = 0, v_ = 0;  // gcra.
  int64_t life_us_ = 0, grant_units_ = 0;
  Micro micro_;  // The law told microseconds.
  limiter::Law law_{std::in_place_type<limit::Gcra>, *limit::Gcra::make({1, base::Duration(1)}, 1)};
};

}  // namespace store

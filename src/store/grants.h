// Units of hot keys, charged in the store ahead of time and spent here in memory.
//
//   cold ── asked often within a life ──► hot ─► a grant is asked for ─► its units are spent here
//                                          ▲                               │ a quarter is left:
//                                          └── idle: they are returned ◄───┘ the next is asked for
//
// A call costs the store more than the grants in it: when one key's grant is sent for, those of
// others that have less than three quarters go along, and so keys of one limit fall into step.
//
// A life L is fixed for a limit (Law::grant_life()): of a GCRA, rate · L is at most a quarter of
// the burst. It counts from when the grant was sent for, by our clock, so that no other clock can
// stretch it; 1/256 of it is not used, for clocks whose seconds differ. A window's grant also ends
// with its window. Why the bound holds is docs/grants.md; in short, a unit that is spent in [a, b]
// was charged in (a - L, b], and while grants are out every charge sees the burst less rate · L.
//
// This is arithmetic: who owns it sends what send_for() and due() make, and tells the time. A grant
// that is lost on its way was charged and is spent by nobody: too little, never too much.
//
// Thread: its owner's.
#pragma once
#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "limit/decision.h"
#include "limiter/hit.h"
#include "limiter/limits.h"
#include "limiter/watchers.h"
#include "store/demand.h"
#include "store/law.h"

namespace store {

class Grants {
 public:
  static constexpr size_t kKeysMax = 50'000;  // Then others stay strict.
  static constexpr int64_t kHotUnits = 8;     // Asked for here within one life.
  static constexpr int64_t kBlockMin = 4;     // A smaller share of a limit stays strict.

  struct Block {
    int64_t units = 0;
    base::Time sent{}, until{};
    int64_t charged_us = 0;  // By the store's clock.
  };
  using Blocks = std::array<Block, 2>;  // The first one is spent first.

  struct Terms {
    base::Time now;
    int64_t sharers = 1;  // Who else takes blocks, this one included.
  };
  struct Answer {
    enum class Known : uint8_t {
      kNothing,  // The store must be asked.
      kTaken,    // Allowed, and `taken`.
      kRefused,  // The store has not enough.
    };
    Known known = Known::kNothing;
    bool wants = false;           // A grant should be sent for: send_for(), at once.
    limit::Decision spent, kept;  // What to answer; the latter if the units are put back.
    Blocks taken{};
  };
  // Counts what is asked for.
  Answer take(const limiter::Hit& hit, const Law& law, const Terms& terms);
  // Another part of the decision refused. Units whose life is over are not put back.
  void put_back(base::Hash128 key, const Blocks& taken, base::Time now);

  // ---- What is to be sent.

  struct Place {  // Of a state in the store.
    std::string state, domain;
    limiter::LawNumber number = limiter::kAdHoc;
  };
  struct Request {
    base::Hash128 key;
    uint64_t number = 0;
    const Law* law = nullptr;  // Outlives this.
    int64_t units = 0;
    base::Time sent{};
    Place place{};
  };
  struct Granted {  // As the script answers, in microseconds by the store's clock.
    int64_t units = 0, room = 0;
    int64_t charged_us = 0, window_us = 0;  // What was left of the window; of a GCRA 0.
  };
  Request send_for(base::Hash128 key, const Law& law, Place place, const Terms& terms);
  // What goes along with it: of the domain's keys those that will want one soon.
  std::vector<Request> send_along(const std::string& domain, const Terms& terms);
  // Nothing: it failed, or is in doubt. Each request counts once; one that is not known any more
  // not at all.
  void answered(const Request& request, std::optional<Granted> granted, base::Time now);

  struct Return {  // To be sent once, never again.
    base::Hash128 key;
    const Law* law = nullptr;
    int64_t units = 0;
    int64_t charged_us = 0;
    Place place{};
  };
  // What nobody wants here any more, as far as the store would give something back for it.
  std::vector<Return> due(base::Time now);
  std::optional<base::Time> next_due() const;  // When to call due().

  // With other limits nothing is kept; if units have come free, no refusal is.
  void keep_if(const std::shared_ptr<const limiter::Limits>& limits, uint64_t freed);
  size_t size() const { return hot_.size(); }

 private:
  using Turns = std::list<base::Hash128>;
  struct Hot {
    const Law* law = nullptr;
    Place place{};
    Blocks blocks{};
    int64_t room = 0;           // In the store, as last told.
    base::Time window_end{};    // Not before that.
    base::Time quiet{};         // Until then no grant is asked for.
    base::Time empty{};         // The store had no unit left then.
    base::Time refused{};       // Until then it has not enough.
    uint64_t freed = 0;         // With another one `quiet` and `refused` are past.
    base::Time last{}, span{};  // Of asks. Demand is counted in spans of a life.
    int64_t demand = 0, demand_before = 0;
    uint64_t outstanding = 0;              // The request that is on its way; 0: none.
    base::Time check = base::Time::max();  // The one in checks_ that counts.
    Turns::iterator turn;

    int64_t units() const { return blocks[0].units + blocks[1].units; }
    void drop_dead(base::Time now);
    void count(int64_t cost, base::Time now);
    void put(const Block& block);
  };
  struct Check {
    base::Time at;
    base::Hash128 key;
    bool operator>(const Check& other) const { return at > other.at; }
  };

  Request request(base::Hash128 key, Hot& hot, const Terms& terms);
  Hot* find_hot(const limiter::Hit& hit, const Law& law, base::Time now);
  static int64_t full(const Hot& hot, int64_t sharers);
  static int64_t missing(const Hot& hot, int64_t sharers, base::Time now);
  static limit::Decision shown(const Hot& hot, bool allowed, int64_t left, base::Time now);
  void watch(base::Hash128 key, Hot& hot, base::Time at);
  void give_back(base::Hash128 key, Hot& hot, base::Time now, std::vector<Return>& out);

  std::unordered_map<base::Hash128, Hot, limiter::HashOfKey> hot_;
  std::priority_queue<Check, std::vector<Check>, std::greater<>> checks_;
  Turns turns_;  // All hot keys; first the one whose grant was sent for longest ago.
  Demand cold_;
  std::shared_ptr<const limiter::Limits> limits_;
  uint64_t freed_ = 0, requests_ = 0;
};

}  // namespace store

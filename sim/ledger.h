// What every limit has let through, as the outside saw it, held against the laws.
//
// Charges come in any order (answers are late) and are replayed in the order of their instants when
// nothing is open any more: each must have been allowed (P2), and the limiter must then tell what
// the replay tells (P1: nothing was charged that was not delivered, and everything that was).
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "limiter/limiter.h"
#include "sim/plan.h"

namespace sim {

using Pairs = std::vector<std::pair<std::string, std::string>>;  // Descriptors of one entry each.

class Ledger {
 public:
  explicit Ledger(std::string domain) : domain_(std::move(domain)) {}
  // The process began anew: limits that are not durable know nothing.
  void begin(const std::vector<LimitPlan>& limits);
  // The law of limit `index` is another, or it came or went. What was used stays used; how it is
  // converted is not ours to say, so only the bound of the new law is judged until it is idle.
  void changed(size_t index, const LimitPlan& limit);
  void charge(base::Time at, const Pairs& descriptors, int64_t cost, std::string who);
  // Everything up to now is known. `promised`: units may be kept for somebody, so the limiter may
  // tell of less. `held`: holds by descriptor "key=value", all of them live.
  // Throws Broken.
  void judge(limiter::Limiter& limiter, base::Time now,
             const std::map<std::pair<std::string, std::string>, int64_t>& held, bool promised);
  uint64_t judged() const { return judged_; }

 private:
  struct State {
    std::variant<limit::GcraState, limit::WindowState, limit::CounterState, limit::LogState> used{};
    bool exact = true;
    std::vector<std::string> last{};  // Who charged it, for the story.
  };
  struct Limit {
    LimitPlan plan;
    bool exact = true;                    // Of states that are not there yet, and of holds.
    std::map<std::string, State> states;  // By the descriptor's value.
  };
  struct Charge {
    Pairs descriptors;
    int64_t cost;
    std::string who;
  };
  void replay(base::Time at, const Charge& charge);
  void compare(const Limit& limit, const std::string& value, State& state, base::Time now,
               const limit::Decision& told);

  const std::string domain_;
  std::vector<Limit> limits_;
  std::multimap<base::Time, Charge> charges_;  // Not yet replayed.
  bool promised_ = false;
  uint64_t judged_ = 0;
};

}  // namespace sim

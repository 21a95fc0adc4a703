#include "sim/ledger.h"

#include <algorithm>

#include "sim/broken.h"

namespace sim {
namespace {

template <typename Law>
struct StateOf {
  using Type = limit::GcraState;
};
template <>
struct StateOf<limit::FixedWindow> {
  using Type = limit::WindowState;
};
template <>
struct StateOf<limit::SlidingCounter> {
  using Type = limit::CounterState;
};
template <>
struct StateOf<limit::SlidingLog> {
  using Type = limit::LogState;
};

template <typename Law, typename Used>
limit::Decision peek(const Law& law, Used& used, base::Time now, int64_t cost) {
  using State = typename StateOf<Law>::Type;
  if (!std::holds_alternative<State>(used)) used = State{};
  if constexpr (std::is_same_v<Law, limit::SlidingLog>) {
    return law.check(std::get<State>(used), now, cost);
  } else {
    return law.check(std::get<State>(used), now, cost).decision;
  }
}

template <typename Law, typename Used>
void charge(const Law& law, Used& used, base::Time now, int64_t cost) {
  using State = typename StateOf<Law>::Type;
  State& state = std::get<State>(used);
  if constexpr (std::is_same_v<Law, limit::SlidingLog>) {
    law.charge(state, now, cost);
  } else {
    state = law.check(state, now, cost).next;
  }
}

bool counts_holds(const limiter::Law& law) {
  return std::holds_alternative<limit::Concurrency>(law);
}

std::string numbers(const limit::Decision& d) {
  return "remaining " + std::to_string(d.remaining) + ", retry after " +
         std::to_string(d.retry_after.count()) + " ns";
}

}  // namespace

void Ledger::begin(const std::vector<LimitPlan>& limits) {
  limits_.clear();
  charges_.clear();
  for (const LimitPlan& plan : limits) limits_.push_back({.plan = plan, .states = {}});
}

void Ledger::changed(size_t index, const LimitPlan& limit) {
  limits_[index].plan = limit;
  limits_[index].exact = false;
  for (auto& [value, state] : limits_[index].states) state = {.exact = false};
}

void Ledger::charge(base::Time at, const Pairs& descriptors, int64_t cost, std::string who) {
  if (!descriptors.empty()) charges_.emplace(at, Charge{descriptors, cost, std::move(who)});
}

void Ledger::replay(base::Time at, const Charge& entry) {
  for (Limit& limit : limits_) {
    if (!limit.plan.there || counts_holds(limit.plan.law)) continue;
    std::map<std::string, int64_t> sums;  // Costs that meet in one state are summed.
    for (const auto& [key, value] : entry.descriptors) {
      if (key == limit.plan.key) sums[value] += entry.cost;
    }
    for (const auto& [value, sum] : sums) {
      const int64_t cost = sum;  // A binding cannot be captured.
      State& state = limit.states.try_emplace(value, State{.exact = limit.exact}).first->second;
      state.last.push_back(to_string(at) + " " + entry.who + " cost " + std::to_string(cost));
      const bool allowed = std::visit(
          [&](const auto& law) {
            if constexpr (std::is_same_v<std::decay_t<decltype(law)>, limit::Concurrency>) {
              return true;
            } else {
              const bool fits = peek(law, state.used, at, cost).allowed;
              if (fits) sim::charge(law, state.used, at, cost);
              return fits;
            }
          },
          limit.plan.law);
      if (allowed) continue;
      std::string story;
      for (const std::string& line : state.last) story += "\n    " + line;
      throw Broken{"P2: limit " + limit.plan.name + " of " + limit.plan.key + "=" + value +
                   " let more through than its law allows:" + story};
    }
  }
}

void Ledger::compare(const Limit& limit, const std::string& value, State& state, base::Time now,
                     const limit::Decision& told) {
  if (!state.exact) {
    state.exact = told.remaining == told.limit && told.reset_after.count() == 0;
    if (state.exact) state.used = limit::GcraState{};
    if (state.exact) state.last.clear();
    return;
  }
  const auto own = std::visit(
      [&](const auto& law) -> std::pair<limit::Decision, limit::Decision> {
        if constexpr (std::is_same_v<std::decay_t<decltype(law)>, limit::Concurrency>) {
          return {};
        } else {
          return {peek(law, state.used, now, 0), peek(law, state.used, now, 1)};
        }
      },
      limit.plan.law);
  ++judged_;
  const bool same = own.first.remaining == told.remaining && own.second.allowed == told.allowed &&
                    (told.allowed || own.second.retry_after == told.retry_after);
  const bool less = told.remaining <= own.first.remaining && (own.second.allowed || !told.allowed);
  if (same || (promised_ && less)) return;
  std::string story;
  for (const std::string& line : state.last) story += "\n    " + line;
  throw Broken{"P1: limit " + limit.plan.name + " of " + limit.plan.key + "=" + value + " says " +
               numbers(told) + "; by what it let through: remaining " +
               std::to_string(own.first.remaining) + ", retry after " +
               std::to_string(own.second.retry_after.count()) + " ns" + story};
}

void Ledger::judge(limiter::Limiter& limiter, base::Time now,
                   const std::map<std::pair<std::string, std::string>, int64_t>& held,
                   bool promised) {
  promised_ = promised;
  for (const auto& [at, entry] : charges_) replay(at, entry);
  charges_.clear();
  std::map<std::pair<std::string, std::string>, bool> asked;
  for (const Limit& limit : limits_) {
    if (!limit.plan.there) continue;
    for (const auto& [value, state] : limit.states) asked[{limit.plan.key, value}] = true;
  }
  for (const auto& [descriptor, count] : held) asked[descriptor] = true;
  for (const auto& [descriptor, yes] : asked) {
    const limiter::Entry entry{descriptor.first, descriptor.second};
    const limiter::Descriptor path(&entry, 1);
    auto why = limiter.why(domain_, std::span(&path, 1), now);
    if (!why) continue;
    for (const limiter::WhyRow& row : why.value().rows) {
      const auto limit = std::find_if(limits_.begin(), limits_.end(), [&](const Limit& each) {
        return row.limit != nullptr && each.plan.name == row.limit->name;
      });
      if (limit == limits_.end() || !limit->plan.there) continue;
      if (counts_holds(limit->plan.law)) {
        const int64_t cap = std::get<limit::Concurrency>(limit->plan.law).cap();
        const auto found = held.find(descriptor);
        const int64_t own = found == held.end() ? 0 : found->second;
        State& state = limit->states.try_emplace(descriptor.second, State{.exact = limit->exact})
                           .first->second;
        if (!state.exact) state.exact = own == 0 && row.decision.remaining == cap;
        if (state.exact && std::max<int64_t>(0, cap - own) != row.decision.remaining) {
          throw Broken{"P1: limit " + limit->plan.name + " of " + descriptor.first + "=" +
                       descriptor.second + " says that " + std::to_string(row.decision.remaining) +
                       " of " + std::to_string(cap) +
                       " are free; live holds: " + std::to_string(own)};
        }
        continue;
      }
      if (row.blocked_until > now) continue;  // The block's numbers, not the law's.
      const auto state = limit->states.find(descriptor.second);
      if (state != limit->states.end()) {
        compare(*limit, descriptor.second, state->second, now, row.decision);
      }
    }
  }
}

}  // namespace sim

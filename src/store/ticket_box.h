// Tickets that are on their way, there, or refused, by the ask that they are for. Arithmetic: told
// the time, sends nothing.
//
// Thread: its owner's.
#pragma once
#include <boost/unordered/unordered_map.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "limiter/taker.h"
#include "limiter/watchers.h"
#include "store/round.h"
#include "store/settling.h"

namespace store {

// An answer that lives on: what it names are limits that it keeps.
struct KeptAnswer {
  std::shared_ptr<const limiter::Limits> limits;
  limiter::Answer answer;  // Without rows.
  struct Row {
    const limiter::Limit* limit;
    size_t descriptor;  // Of the ask.
    limit::Decision decision;
  };
  std::vector<Row> rows;

  static std::shared_ptr<const KeptAnswer> of(const Round& round, size_t item);
  // As it was for an equal ask, its rows in `rows`; it is `age` old.
  limiter::Answer told(const limiter::Ask& ask, base::Duration age,
                       std::vector<limiter::LimitAnswer>& rows) const;
};

struct Ticket {
  std::vector<Change> returns;               // What gives it back; holds too.
  base::Time until{};                        // Of its life.
  std::shared_ptr<const KeptAnswer> answer;  // Null: nobody wants to know.
};

// Of what it gives back only holds are left: its rates were charged under other laws.
void keep_holds(Ticket& ticket);

struct Refusal {
  limiter::Obstacle obstacle;
  base::Time heard{}, until{};
  base::Time given = base::Time::max();  // When take() has said so; then it is asked anew.
  std::shared_ptr<const KeptAnswer> answer;

  bool over(base::Time now) const { return until <= now || (given < now && !answer); }
};

// What is known of one ask.
struct Asked {
  base::Hash128 state{};   // Where they wait who are to be told.
  uint64_t in_flight = 0;  // Tickets that were sent for.
  uint64_t window = 1;     // So many may be sent for at once: doubled by success.
  std::vector<Ticket> tickets;
  std::optional<Refusal> refusal;
  bool expected = false;  // Nobody waits at `state` yet.
  bool own_state = true;  // `state` is of the ask alone, no limit's.
  bool watched = false;   // Is in `checks_`.
};

class TicketBox {
 public:
  Asked* find(base::Hash128 key);
  Asked& at(base::Hash128 key) { return asked_[key]; }
  void put(base::Hash128 key, Ticket ticket);
  Ticket use(Asked& asked);  // REQUIRES: it has one.

  // Calls `spent` for each ticket whose life is over, and forgets what says nothing any more.
  template <typename Spent>
  void sweep(base::Time now, Spent&& spent) {
    while (!checks_.empty() && checks_.top().at <= now) {
      const base::Hash128 key = checks_.top().key;
      checks_.pop();
      const auto found = asked_.find(key);
      if (found == asked_.end()) continue;
      Asked& asked = found->second;
      asked.watched = false;
      std::erase_if(asked.tickets, [&](Ticket& each) {
        if (each.until > now) return false;
        spent(std::move(each));
        --kept_;
        return true;
      });
      if (asked.refusal && asked.refusal->over(now)) asked.refusal.reset();
      if (asked.tickets.empty() && asked.in_flight == 0 && !asked.refusal) {
        asked_.erase(found);
      } else {
        look_again(key, asked, now + kLook);
      }
    }
  }
  void look_again(base::Hash128 key, Asked& asked, base::Time at);
  std::optional<base::Time> next_check() const;

  // All tickets that are there; nothing is known any more.
  std::vector<Ticket> empty();
  size_t kept() const { return kept_; }

 private:
  static constexpr base::Duration kLook = std::chrono::milliseconds(250);
  struct Check {
    base::Time at;
    base::Hash128 key;
    bool operator>(const Check& other) const { return at > other.at; }
  };

  boost::unordered_map<base::Hash128, Asked, limiter::HashOfKey> asked_;
  std::priority_queue<Check, std::vector<Check>, std::greater<>> checks_;
  size_t kept_ = 0;
};

}  // namespace store

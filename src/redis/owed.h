// What one connection owes: calls in the order of their replies.
//
//   add() ─► waiting ──give()──► given ──answered()──► a reply's call
//              │ expire()          │ expire()
//              ▼ leaves no trace   ▼ ended, but its place stays: what comes for it is nobody's
//
// Deadlines are in one heap; a call that has been answered leaves it when its turn comes.
// Instants are spans of the monotonic clock.
#pragma once
#include <deque>
#include <vector>

#include "redis/call.h"

namespace redis {

class Owed {
 public:
  struct Ended {
    CallPtr call;
    bool given;  // The node may run it, or has.
  };

  void add(CallPtr call);
  // Appends what waits to `out`, until that has `bytes_max` or more. False: nothing waited.
  bool give(std::string& out, size_t bytes_max, base::Duration now);

  bool awaits() const { return given_ > 0; }  // A reply that comes now has a place.
  // Whose the reply is that came. Null: of one that has ended, or of ASKING. REQUIRES: awaits().
  CallPtr answered();

  std::vector<Ended> expire(base::Duration now);  // Whose deadline is `now` or before.
  std::vector<Ended> abandon();                   // All.

  // Not later than the first deadline of all; Duration::max(): there is none.
  base::Duration next_deadline() const;
  // When the place was given whose reply is to come next. REQUIRES: awaits().
  base::Duration front_given_at() const { return places_.front().given_at; }
  size_t size() const { return places_.size() - cut_; }   // Places of the dead included.
  size_t deadlines() const { return deadlines_.size(); }  // Kept: memory.

 private:
  struct Place {
    CallPtr call{};  // Null: it has ended.
    base::Duration given_at{};
    uint8_t replies = 1;
    bool cut = false;  // It ended before it was given: no reply will come.
  };
  struct Deadline {
    base::Duration at;
    uint64_t place;
    friend bool operator>(const Deadline& a, const Deadline& b) { return a.at > b.at; }
  };
  void note(const Call& call, uint64_t place);
  void trim_deadlines();
  void drop_cut_front();

  std::deque<Place> places_;
  uint64_t first_ = 0;  // The number of places_.front().
  size_t given_ = 0;    // How many of them, from the front.
  size_t cut_ = 0;
  std::vector<Deadline> deadlines_;  // A heap, the first at the front.
};

}  // namespace redis

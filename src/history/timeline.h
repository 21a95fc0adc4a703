// The two clocks of a history, and the lives of its server.
//
//   life 0        | start            | start
//   ─────────────►|─────── kill ────►|──────────►   clients' clock
//    distance d0        distance d1       d2         clients' instant - server's instant
//
// In each life the distance is a range: whatever satisfies every delivery and every clock sample
// of that life. An operation belongs to the life in which it was invoked.
#pragma once
#include <vector>

#include "history/event.h"
#include "history/finding.h"

namespace history {

struct Range {
  Instant low = 0, high = 0;
};

class Timeline {
 public:
  // `skew` >= 0 widens each distance on both sides. Faults of the clock are added to `findings`.
  Timeline(const History& history, int64_t skew, Findings& findings);

  size_t life_of(Instant at) const;  // By the clients' clock.
  size_t lives() const { return lives_.size(); }
  bool known(size_t life) const { return lives_[life].known; }

  // When the server's clock showed what a client saw in `span`, and back. An operation of a life
  // about whose clock nothing is known is placed by the nearest one that is known.
  Range to_server(Span span) const;
  Range to_client(Instant server, size_t life) const;

  // When it was delivered, by the server's clock.
  Range granted(const Deliver& deliver) const;

  // The first kill or stop at or behind `at`; kNever: none.
  Instant next_end(Instant at) const;
  bool ended_between(Instant from, Instant to) const;

 private:
  struct Life {
    Instant begin = 0;
    Instant low = -kNever, high = kNever;  // Of the distance.
    bool known = false;
  };
  void narrow(size_t life, Span client, Range server, Where where, Findings& findings);
  void fill_unknown();

  int64_t skew_;
  std::vector<Life> lives_;
  std::vector<Instant> ends_;
};

}  // namespace history

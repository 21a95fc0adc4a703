// The parts of a Store. Its functions are in store.cc (decisions), opening.cc (reservations and
// holds) and explain.cc (why, block, forget).
#pragma once
#include "store/common.h"
#include "store/desk.h"
#include "store/line.h"
#include "store/store.h"

namespace store {

struct Store::Body {
  Body(io::Loop& loop, Common& common_of_process)
      : common(*common_of_process.body_), line(loop, common), desk(loop, common, line) {}

  base::Time deadline() const { return common.clock.now() + common.options.deadline; }
  // Units have come free: what was refused may go.
  void freed() { common.freed.fetch_add(1, std::memory_order_relaxed); }

  void open(const limiter::Ask& ask, limiter::OpenKind kind, base::Duration ttl,
            limiter::Decider::Opened done);

  Common::Body& common;
  Line line;
  Desk desk;  // Before the line, its callbacks end.
};

base::Error unknown_domain(std::string_view domain);

}  // namespace store

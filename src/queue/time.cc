// Instants: what is due, and the order of age and death.
#include <algorithm>

#include "queue/body.h"

namespace queue {

// One timer a message: the earlier of its state's instant and, while it waits, its expiry.
void Store::Body::set_timer(uint32_t slot) {
  const Message& m = messages[slot];
  int64_t instant = base::nanoseconds(base::Time::max());
  if (m.is(State::kDelayed) || m.is(State::kLeased)) instant = m.at;
  if (m.waiting() && m.expires != 0) instant = std::min(instant, m.expires);
  if (instant == base::nanoseconds(base::Time::max()))
    timers.erase(slot);
  else
    timers.set(slot, instant);
}

// Dead letters are kept equally long, so one timer a queue will do, and `dead_keep` may change.
void Store::Body::set_keep(Queue& queue) {
  const int64_t keep = queue.settings.dead_keep.count();
  if (keep <= 0 || queue.dead == kNone)
    keeps.erase(queue.slot);
  else
    keeps.set(queue.slot, messages[by_death.first(queue.dead)].at + keep);
}

base::Time Store::Body::next_due() {
  // What a purge left behind is passed over, a little at a time: too early is harmless.
  for (int i = 0; i < 64 && !timers.empty() && !lives(messages[timers.first()]); ++i)
    timers.erase(timers.first());
  int64_t first = base::nanoseconds(base::Time::max());
  if (!timers.empty()) first = timers.first_at();
  if (!keeps.empty()) first = std::min(first, keeps.first_at());
  return base::time_from(first);
}

std::optional<Due> Store::Body::due(base::Time now) {
  while (!timers.empty() && timers.first_at() <= base::nanoseconds(now) &&
         !lives(messages[timers.first()]))
    timers.erase(timers.first());
  const base::Time first = next_due();
  if (first > now) return std::nullopt;
  if (!keeps.empty() && base::time_from(keeps.first_at()) == first) {
    const uint32_t dead = by_death.first(queues.at(keeps.first()).dead);
    return Due{Due::What::kKeepOver, messages[dead].number};
  }
  const Message& m = messages[timers.first()];
  if (m.is(State::kLeased)) return Due{Due::What::kLeaseOver, m.number};
  const bool expired = m.is(State::kReady) || (m.expires != 0 && m.expires <= m.at);
  return Due{expired ? Due::What::kExpired : Due::What::kRipe, m.number};
}

bool Store::Body::ripen(Number number, base::Time now) {
  const uint32_t slot = find(number);
  if (slot == kNone) return false;
  const Message& m = messages[slot];
  if (!m.is(State::kDelayed) || m.at > base::nanoseconds(now)) return false;
  return move(number, {.state = State::kReady,
                       .at = base::time_from(m.at),
                       .delivered = m.delivered,
                       .failed = m.failed});
}

base::Time Store::Body::oldest(const Queue& queue) const {
  constexpr int kLook = 16;  // Replays and delays that end may put them slightly out of order.
  uint32_t slot = queue.ready.first;
  if (slot == kNone) return {};
  int64_t oldest = messages[slot].at;
  for (int i = 0; i < kLook && slot != kNone; ++i, slot = messages[slot].age_next)
    oldest = std::min(oldest, messages[slot].at);
  return base::time_from(oldest);
}

Number Store::Body::next_dead(const Queue& queue, Number after) {
  uint32_t slot = by_death.first(queue.dead);
  if (after != 0) {
    slot = find(after);
    if (slot == kNone || !messages[slot].is(State::kDead)) return 0;
    slot = by_death.after(queue.dead, slot);
  }
  return slot == kNone ? 0 : messages[slot].number;
}

}  // namespace queue

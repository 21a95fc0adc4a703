#include "sim/story.h"

#include <algorithm>

#include "sim/broken.h"

namespace sim {
namespace {

using Where = Possible::Where;
using What = Event::What;

constexpr base::Time kFar = base::Time::max();

const char* name_of(Where where) {
  switch (where) {
    case Where::kAbsent:
      return "never there";
    case Where::kWaiting:
      return "waiting";
    case Where::kLeased:
      return "leased";
    case Where::kDead:
      return "dead";
    case Where::kGone:
      return "gone";
  }
  return "?";
}

std::string describe(const Possible& p) {
  std::string text = name_of(p.where);
  if (p.where == Where::kWaiting) text += " due " + to_string(p.due_low);
  if (p.where == Where::kLeased) text += " until " + to_string(p.until);
  text += ", delivered " + std::to_string(p.delivered) + ", failed " + std::to_string(p.failed) +
          ", start " + std::to_string(p.start);
  return text;
}

std::string describe(const Event& e) {
  static constexpr const char* kNames[] = {
      "enqueued",       "delivered",         "acked",    "nacked",
      "nacked as dead", "requeued",          "extended", "removed",
      "purged",         "its queue deleted", "redriven", "its connection left"};
  std::string text = to_string(e.at) + " " + kNames[static_cast<size_t>(e.what)];
  if (e.attempt != 0) {
    text += " (attempt " + std::to_string(e.attempt) + ", start " + std::to_string(e.start) + ")";
  }
  if (e.what == What::kDelivered || e.what == What::kExtended)
    text += " until " + to_string(e.until);
  if (e.due_low != base::Time{}) text += " due " + to_string(e.due_low);
  if (!e.sure) {
    text += " - never answered";
  } else if (!e.done) {
    text += " - refused";
  }
  return text;
}

bool lease_of(const Possible& p, const Event& event) {
  return p.where == Where::kLeased && p.delivered == event.attempt && p.start == event.start;
}

}  // namespace

std::string to_string(base::Time at) {
  if (at == kFar) return "never";
  const int64_t ns = base::nanoseconds(at);
  std::string part = std::to_string(ns % 1'000'000'000);
  return std::to_string(ns / 1'000'000'000) + "." + std::string(9 - part.size(), '0') + part;
}

void Story::broken(const std::string& what) const { throw Broken{what + tell()}; }

std::string Story::tell() const {
  std::string text = "\n  message m" + std::to_string(uid) + " (number " + std::to_string(number) +
                     ", queue " + std::to_string(queue) + ", key \"" + key + "\", attempts " +
                     std::to_string(attempts) + ", expires " +
                     (expires == base::Time{} ? "never" : to_string(expires)) + ")";
  for (const std::string& line : told_) text += "\n    " + line;
  for (const Possible& each : possible_) text += "\n    so it may be: " + describe(each);
  return text;
}

bool Story::over() const {
  return events_.empty() && std::all_of(possible_.begin(), possible_.end(),
                                        [](const Possible& p) { return p.where == Where::kGone; });
}

void Story::add_possible(const Possible& more) {
  if (std::find(possible_.begin(), possible_.end(), more) == possible_.end()) {
    possible_.push_back(more);
  }
}

base::Duration Story::backoff_low(uint16_t failures) const {
  const queue::Backoff& backoff = settings->backoff;
  auto span = static_cast<double>(backoff.base.count());
  for (uint16_t i = 1; i < failures; ++i) {
    span = std::min(span * static_cast<double>(backoff.factor_milli) / 1000.0,
                    static_cast<double>(backoff.max.count()));
  }
  span = std::min(span, static_cast<double>(backoff.max.count()));
  return base::Duration(
      static_cast<int64_t>(span * (1.0 - static_cast<double>(backoff.jitter_ppm) / 1e6)) - 1);
}

// Leases end, messages expire, dead letters are put back or dropped: at any time from their
// instant on, as nobody saw when.
void Story::close(base::Time at) {
  for (size_t i = 0; i < possible_.size(); ++i) lapse(Possible(possible_[i]), at);
}

void Story::lapse(const Possible& from, base::Time at) {
  Possible to = from;
  if (from.where == Where::kLeased && from.until <= at) {
    to.failed = static_cast<uint16_t>(from.failed + 1);
    if (to.failed >= attempts) {
      to.where = Where::kDead;
    } else {
      to.where = Where::kWaiting;
      to.due_low = from.until;  // Back at once: the lease was the delay.
      to.due_high = kFar;
    }
    add_possible(to);
  } else if (from.where == Where::kWaiting && expires != base::Time{} && expires <= at) {
    to.where = settings->dead_expired ? Where::kDead : Where::kGone;
    add_possible(to);
  } else if (from.where == Where::kDead) {
    if (settings->dead_keep.count() > 0) {
      to.where = Where::kGone;
      add_possible(to);
    }
    if (redriven_) {
      to = from;
      to.where = Where::kWaiting;
      to.due_low = base::Time{};
      to.due_high = kFar;
      to.failed = 0;
      add_possible(to);
    }
  }
}

bool Story::follow_return(const Possible& from, const Event& event, Possible& to) const {
  if (!lease_of(from, event)) return false;
  to.where = Where::kWaiting;
  to.due_low = event.due_low;
  to.due_high = event.due_high;
  if (event.what == What::kRequeued) return true;
  to.failed = static_cast<uint16_t>(from.failed + 1);
  if (event.what == What::kNackedDead || to.failed >= attempts) to.where = Where::kDead;
  if (event.due_high == kFar) to.due_low = event.at + backoff_low(to.failed);
  return true;
}

bool Story::follow(const Possible& from, const Event& event, Possible& to) const {
  to = from;
  switch (event.what) {
    case What::kEnqueued:
      to.where = Where::kWaiting;
      to.due_low = event.due_low;
      to.due_high = event.due_high;
      return from.where == Where::kAbsent;
    case What::kDelivered:
      to.where = Where::kLeased;
      to.until = event.until;
      to.start = event.start;
      to.delivered = event.attempt;
      to.connection = event.connection;
      return from.where == Where::kWaiting && from.due_low <= event.at &&
             from.delivered + 1 == event.attempt &&
             (expires == base::Time{} || event.at < expires_high);
    case What::kAcked:
      to.where = Where::kGone;
      return lease_of(from, event);
    case What::kNacked:
    case What::kNackedDead:
    case What::kRequeued:
      return follow_return(from, event, to);
    case What::kExtended:
      to.until = event.until;
      return lease_of(from, event);
    case What::kRemoved:
      to.where = Where::kGone;
      return from.where != Where::kAbsent && from.where != Where::kGone;
    case What::kPurged:
      if (from.where == Where::kWaiting) to.where = Where::kGone;
      return true;
    case What::kQueueGone:
      if (from.where != Where::kAbsent) to.where = Where::kGone;
      return true;
    case What::kRedriven:
      return true;
    case What::kLeft:
      if (from.where == Where::kLeased && from.until == kTied &&
          from.connection == event.connection) {
        to.where = Where::kWaiting;
        to.due_low = base::Time{};
        to.due_high = kFar;
      }
      return true;
  }
  return false;
}

void Story::apply(const Event& event) {
  close(event.at);
  if (event.what == What::kRedriven) redriven_ = true;
  const std::vector<Possible> before = std::exchange(possible_, {});
  for (const Possible& from : before) {
    Possible to;
    const bool follows = follow(from, event, to);
    if (!event.sure) {
      add_possible(from);
      if (follows) add_possible(to);
    } else if (event.done) {
      if (follows) add_possible(to);
    } else if (!follows || (from.where == Where::kLeased && from.until <= event.at)) {
      add_possible(from);  // Refused, as it had to be.
    }
  }
  told_.push_back(describe(event));
  if (!possible_.empty()) return;
  std::string could = "\n  but before that it was:";
  for (const Possible& each : before) could += "\n    " + describe(each);
  const char* promise =
      event.what == What::kEnqueued || event.what == What::kRemoved ? "P5" : "P5/P6";
  broken(std::string(promise) + ": this cannot be: " + describe(event) + could);
}

void Story::read() {
  std::stable_sort(events_.begin(), events_.end(), [](const Event& a, const Event& b) {
    if (a.at != b.at) return a.at < b.at;
    // What one call did: a change, then the deliveries that it made possible.
    return a.what != What::kDelivered && b.what == What::kDelivered;
  });
  for (const Event& event : std::exchange(events_, {})) apply(event);
}

void Story::end(bool weak) {
  read();
  weak_ = weak_ || weak;
  for (size_t i = 0; i < possible_.size(); ++i) {  // Connections have gone, with their leases.
    Possible to = possible_[i];
    if (to.where != Where::kLeased || to.until != kTied) continue;
    to.where = Where::kWaiting;
    to.due_low = base::Time{};
    to.due_high = kFar;
    add_possible(to);
  }
  told_.push_back(std::string("the process ended") +
                  (weak ? "; its queue promises nothing over that" : ""));
}

void Story::maybe_taken() {
  if (!taken_) told_.push_back("a DEQUEUE of its queue was not answered");
  taken_ = true;
}

bool Story::matches(const Possible& p, const engine::Shown* shown, base::Time now) const {
  if (shown == nullptr) return p.where == Where::kAbsent || p.where == Where::kGone;
  const queue::Standing& is = shown->standing;
  if (taken_ && is.state != queue::State::kDead && p.delivered < is.delivered &&
      p.failed <= is.failed && (p.where == Where::kWaiting || p.where == Where::kLeased)) {
    return true;  // Somebody who was never answered had it in between.
  }
  if (is.delivered != p.delivered || is.failed != p.failed) {
    return taken_ && is.state == queue::State::kDead && p.failed <= is.failed;
  }
  switch (is.state) {
    case queue::State::kReady:
      return p.where == Where::kWaiting && p.due_low <= now;
    case queue::State::kDelayed:
      return p.where == Where::kWaiting && p.due_low <= is.at && is.at <= p.due_high && is.at > now;
    case queue::State::kLeased:
      return p.where == Where::kLeased && p.start == is.start && is.at > now && p.until == is.at;
    case queue::State::kDead:
      return p.where == Where::kDead;
  }
  return false;
}

void Story::shown(const engine::Shown* shown, base::Time now) {
  read();
  close(now);
  std::vector<Possible> left;
  for (const Possible& each : possible_) {
    if (weak_ || matches(each, shown, now)) left.push_back(each);
  }
  std::string is = "nothing";
  if (shown != nullptr) {
    is = std::string(queue::to_string(shown->standing.state)) + " at " +
         to_string(shown->standing.at) + ", delivered " +
         std::to_string(shown->standing.delivered) + ", failed " +
         std::to_string(shown->standing.failed) + ", start " +
         std::to_string(shown->standing.start);
  }
  if (left.empty()) broken("P5/P6: at " + to_string(now) + " SHOW tells: " + is);
  const std::string line = " shown: " + is;
  if (told_.empty() || !told_.back().ends_with(line)) told_.push_back(to_string(now) + line);
  Possible exact = left.front();
  if (shown == nullptr) {
    exact.where = Where::kGone;
  } else {
    const queue::Standing& standing = shown->standing;
    exact.delivered = standing.delivered;
    exact.failed = standing.failed;
    exact.start = standing.start;
    switch (standing.state) {
      case queue::State::kReady:
      case queue::State::kDelayed:
        exact.where = Where::kWaiting;
        exact.due_low = exact.due_high = standing.at;
        break;
      case queue::State::kLeased:
        exact.where = Where::kLeased;
        exact.until = standing.at;
        break;
      case queue::State::kDead:
        exact.where = Where::kDead;
        break;
    }
  }
  possible_ = {exact};
  taken_ = weak_ = false;
}

}  // namespace sim

// The life of one message, as the outside saw it, read against the life that was promised:
//
//              due                      lease over, nack, requeue
//   absent ─► waiting ─► leased ───────────────────────────► waiting
//               │           ├─ ack, remove ─► gone
//               └─ expired  └─ last attempt, nack DEAD ─► dead ─ redrive ─► waiting
//
// What was answered has happened, at the instant it ran; what was not answered when the process
// ended may have happened. So a message is in one of several possible states; an event that none of
// them allows is a broken promise. What the engine shows at a quiet moment must be one of them, and
// is the only one from then on.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "engine/request.h"
#include "queue/settings.h"
#include "sim/ledger.h"

namespace sim {

// As lease_until tells it of a lease that ends with its connection.
inline constexpr base::Time kTied = base::time_from(int64_t{1} << 62);

struct Event {
  enum class What : uint8_t {
    kEnqueued,
    kDelivered,
    kAcked,
    kNacked,
    kNackedDead,
    kRequeued,
    kExtended,
    kRemoved,
    kPurged,
    kQueueGone,
    kRedriven,
    kLeft
  } what;
  base::Time at{};
  bool sure = true;      // Answered.
  bool done = true;      // As answered; false: refused as stale, or not there.
  uint16_t attempt = 0;  // Of the receipt.
  uint32_t start = 0;
  base::Time until{};       // kDelivered, kExtended.
  base::Time due_low{};     // kEnqueued, kNacked, kRequeued: not before.
  base::Time due_high{};    // Not after; the far future: not known.
  uint64_t connection = 0;  // kDelivered with a tied lease, kLeft.
};

struct Possible {
  enum class Where : uint8_t { kAbsent, kWaiting, kLeased, kDead, kGone } where = Where::kAbsent;
  base::Time due_low{}, due_high{};
  base::Time until{};
  base::Time dead_since{};
  uint16_t delivered = 0, failed = 0;
  uint32_t start = 0;
  uint64_t connection = 0;
  friend bool operator==(const Possible&, const Possible&) = default;
};

class Story {
 public:
  // What the producer said.
  uint64_t uid = 0;
  bool open = true;          // Its ENQUEUE is neither answered nor in doubt.
  size_t queue = 0;          // Index in the plan.
  queue::Number number = 0;  // 0: not known yet.
  std::string body, key;
  std::vector<std::pair<std::string, std::string>> headers;
  uint32_t priority = 0;
  int64_t cost = 1;
  uint16_t attempts = 1;
  base::Duration ttl{};
  base::Time expires{};       // The epoch: never. Not before this …
  base::Time expires_high{};  // … and not after this: a request may wait for room.
  Pairs descriptors;
  Pairs outbound;  // Of a push queue, in the domain of pushes.
  const queue::Settings* settings = nullptr;

  void add(const Event& event) { events_.push_back(event); }
  // All events until now are known. Throws Broken.
  void read();
  // Some DEQUEUE of its queue was not answered.
  void maybe_taken();
  // The process is gone; `weak`: what was answered may be lost, too.
  void end(bool weak);
  // What the engine shows at a quiet instant (null: nothing). Throws Broken.
  void shown(const engine::Shown* shown, base::Time now);

  bool over() const;  // Gone for sure.
  bool maybe_there() const { return !over(); }
  const std::vector<Possible>& possible() const { return possible_; }
  std::string tell() const;  // All of it, for people.

 private:
  void apply(const Event& event);
  bool follow(const Possible& from, const Event& event, Possible& to) const;
  bool follow_return(const Possible& from, const Event& event, Possible& to) const;
  void close(base::Time at);  // Adds what may have happened by itself until then.
  void lapse(const Possible& from, base::Time at);
  void add_possible(const Possible& more);
  bool matches(const Possible& possible, const engine::Shown* shown, base::Time now) const;
  base::Duration backoff_low(uint16_t failures) const;
  [[noreturn]] void broken(const std::string& what) const;

  std::vector<Event> events_;  // Not yet read.
  std::vector<std::string> told_;
  std::vector<Possible> possible_{Possible{}};
  bool redriven_ = false;  // A redrive may still be going on.
  bool taken_ = false, weak_ = false;
};

}  // namespace sim

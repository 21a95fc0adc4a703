// One connection to one node, for as long as it is wanted: made, used, lost, made again.
//
//            lookup ─► connect [─► TLS] ─► handshake ─► up ──┐ lost, or silent
//   attempt: └──────── connect_timeout ──────────┘           │
//       ▲        │ failed: calls that wait end (kIo)         │ given: kUnknown; not given: kIo
//       └─ pause ◄───────────────────────────────────────────┘
//          (backoff_min, doubled up to backoff_max, half of it by chance)
//
// While an attempt runs, calls wait for it; during the pause they end at once. What all calls of a
// loop round say goes out in one write. A connection that is up, owes a reply, and hears nothing
// for longer than the longest deadline of its calls, and kSilenceMin, is taken for lost.
// (kSilenceMin: a server that stops for a moment, to fork, should not lose all its clients.)
//
// Thread: its loop's.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "io/alarm.h"
#include "io/lookup.h"
#include "redis/handshake.h"
#include "redis/metrics.h"
#include "redis/options.h"
#include "redis/owed.h"
#include "redis/soon.h"
#include "redis/wire.h"

namespace io {
class Loop;
}

namespace redis {

// What the connections of one client to nodes of one kind have in common.
struct Setting {
  Handshake::Terms handshake;
  const Options& options;
  Metrics& metrics;
  std::optional<base::Result<TlsTerms>>
      tls{};  // Nothing: in the clear. An error: no attempt succeeds.
};

class Connection final : Wire::Told {
 public:
  // Is told from inside a Connection, which it may not destroy then; it may send().
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_reply(Connection& from, CallPtr call, Reply&& reply) = 0;
    virtual void on_ended(Connection& from, CallPtr call, base::Error&& error) = 0;
    virtual void on_state(Connection& of) = 0;  // up() or resting() is another.
  };
  static constexpr base::Duration kSilenceMin = std::chrono::milliseconds(100);

  // All outlive it. The first attempt begins at once.
  Connection(io::Loop& loop, Node node, const Setting& setting, uint64_t seed, Owner& owner);
  ~Connection() override;  // Tells nobody.
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(CallPtr call);  // An end is told by on_ended, perhaps from inside.

  const Node& node() const { return node_; }
  bool up() const { return state_ == State::kUp; }
  bool resting() const { return state_ == State::kResting; }
  size_t owed() const { return owed_.size(); }
  const std::string& why() const { return why_; }  // Of the last failure.

 private:
  // kNew: the first attempt begins when its owner has it in hand.
  enum class State : uint8_t { kNew, kResting, kLooking, kConnecting, kGreeting, kUp };
  void attempt();
  void on_found(io::Lookup::Found found);
  void connect(const std::vector<io::Ip>& addresses);
  void on_open() override;
  void on_bytes(std::string_view bytes) override;
  void on_room() override;
  void on_gone(const std::string& why) override;
  void take(Reply& reply);
  void greet(const Reply& reply);
  void rise();
  void drop(const std::string& why);
  void say(const std::string& why);
  void flush();
  void ring();
  void set_alarm(base::Duration now);
  base::Duration silent_at() const;
  void end(std::vector<Owed::Ended> ended, const std::string& given, const std::string& kept);

  const Node node_;
  const Setting& setting_;
  Owner& owner_;
  base::Random random_;
  io::Lookup lookup_;
  Wire wire_;
  io::Alarm alarm_;
  Soon flush_soon_;
  State state_ = State::kNew;
  Owed owed_;
  ReplyParser parser_;
  std::optional<Handshake> handshake_;
  std::string in_, out_;      // What came and is no whole reply; what is being written.
  std::string why_, said_;    // said_: in the log.
  base::Duration next_at_{};  // The end of the pause, or of the attempt.
  base::Duration heard_at_{}, longest_{};
  unsigned failures_ = 0;  // Attempts in a row.
  bool was_up_ = false;
};

}  // namespace redis

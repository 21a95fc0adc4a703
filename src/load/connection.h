// One socket of a load: it connects, greets, sends what it is given, and hands what arrives to its
// talk.
//
//   open() ─► connecting ─► greeting ─► ready ◄──► put() … send()
//                 └────────────┴──────────┴──► lost ─► open() again
//
// Thread: the poll's.
#pragma once
#include <deque>
#include <memory>
#include <string>

#include "io/poll.h"
#include "io/socket.h"
#include "load/open.h"
#include "load/talk.h"

namespace load {

class Connection final : public io::Source, private Answered {
 public:
  class Told {
   public:
    virtual ~Told() = default;
    virtual void on_ready(Connection& from) = 0;
    virtual void on_answer(Connection& from, const Open& open, const Answer& answer) = 0;
    virtual void on_answers(Connection& from) = 0;  // All that had arrived has been told.
    // Closed already. unanswered() are those whose outcome nobody knows.
    virtual void on_lost(Connection& from, const std::string& why) = 0;
  };
  struct Terms {
    const io::Endpoint& to;
    const Work& work;
    unsigned number;  // Of this connection, among all of this load.
  };
  Connection(io::Poll& poll, Told& told, const Terms& terms);
  ~Connection() override { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void open(bool first);  // REQUIRES: closed. on_ready() or on_lost() follow, not from inside.
  void close();

  // REQUIRES: ready(). Spells a request; send() sends all that were spelled.
  void put(Verb verb, const Draw& draw, base::Time since, base::Time now,
           std::vector<std::string> receipts = {});
  void send();

  bool ready() const { return state_ == State::kReady; }
  bool idle() const { return open_.empty(); }
  size_t unsent() const { return out_.size() - sent_; }
  std::deque<Open>& unanswered() { return open_; }
  std::string name() const;  // Of a history: another one after each open().
  unsigned number() const { return terms_.number; }

  // What its owner knows of it.
  std::vector<std::string> receipts;  // Of messages that it holds.
  uint64_t step = 0;                  // Of a cycle, or so many batches.
  uint64_t range_first = 0;           // Number of the first message of its cycle.
  uint64_t empties = 0;               // Dequeues in a row that found no message.
  bool counted = false;               // Among those that are ready.
  base::Time heard;                   // When the last answers arrived.

 private:
  enum class State : uint8_t { kClosed, kConnecting, kGreeting, kReady };
  static constexpr size_t kKeptBytesMax = size_t{1} << 20;  // Of a buffer that is empty.

  void on_ready(uint8_t ready) override;
  void connected();
  void receive();
  base::Result<size_t> use(std::string_view in);
  void lost(const std::string& why);
  void want(uint8_t interest);

  Verb oldest() override { return open_.front().verb; }
  bool owed() override { return !open_.empty(); }
  void answered(const Answer& answer) override;

  io::Poll& poll_;
  Told& told_;
  const Terms terms_;
  State state_ = State::kClosed;
  bool first_ = false;
  uint8_t interest_ = 0;
  unsigned opened_ = 0;
  io::Fd fd_;
  std::unique_ptr<Talk> talk_;
  std::string in_, out_;
  size_t sent_ = 0;  // Of out_.
  std::deque<Open> open_;
};

base::Time steady_now();  // Of the machine's monotonic clock, which all clients of it share.

}  // namespace load

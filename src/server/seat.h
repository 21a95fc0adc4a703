// A thread's part in the shards: those it owns, and what it asked of those of others.
//
// Everything that arrives in one round of its loop makes one turn of each shard it is for, at the
// end of the round; what goes to other threads leaves behind it, one wake each.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "io/alarm.h"
#include "io/loop.h"
#include "server/mailbox.h"
#include "server/shard.h"

namespace server {

// Thread: its loop's, but for mailbox().
class Seat {
 public:
  Seat(io::Loop& loop, const base::Clock& clock, uint32_t number, uint32_t seats);
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  // Before the loops run.
  void own(uint32_t number, Shard& shard) { owned_.push_back({number, &shard}); }
  void meet(std::span<const std::unique_ptr<Seat>> seats) { seats_ = seats; }

  uint32_t number() const { return number_; }
  Mailbox& mailbox() { return mailbox_; }
  void post(std::function<void()> task) { loop_.post(std::move(task)); }

  void ask(engine::Request& request);               // Of a shard, whoever owns it.
  void answer(std::unique_ptr<engine::Run> run);    // To the seat that it came from.
  void freed(uint32_t shard, base::Hash128 state);  // REQUIRES: it owns the shard.
  void soon();                                      // There is something to do this round.
  // Calls `done` once all its shards are at rest.
  void when_at_rest(std::function<void()> done);
  const std::vector<std::pair<uint32_t, Shard*>>& owned() const { return owned_; }

 private:
  void round();
  void open_mail();
  void give_answers();
  void send_mail();
  void sleep();
  Shard* own_shard(uint32_t number) const;

  io::Loop& loop_;
  const base::Clock& clock_;
  const uint32_t number_;
  std::span<const std::unique_ptr<Seat>> seats_;
  std::vector<std::pair<uint32_t, Shard*>> owned_;  // By number: number_, number_ + seats, …
  Mailbox mailbox_;
  io::Alarm alarm_;
  Mail mail_;                                                       // Being read.
  std::vector<Mail> out_;                                           // By seat.
  std::vector<std::unique_ptr<engine::Run>> answered_, answering_;  // Of this seat.
  std::function<void()> at_rest_;
  bool soon_ = false;
};

}  // namespace server

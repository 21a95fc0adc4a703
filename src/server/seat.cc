#include "server/seat.h"

#include <algorithm>
#include <utility>

namespace server {

Seat::Seat(io::Loop& loop, const base::Clock& clock, uint32_t number, uint32_t seats)
    : loop_(loop),
      clock_(clock),
      number_(number),
      mailbox_(loop.poll(), [this] { soon(); }),
      alarm_(loop.poll(), [this] { soon(); }),
      out_(seats) {}

void Seat::soon() {
  if (std::exchange(soon_, true)) return;
  loop_.poll().defer([this] { round(); });
}

Shard* Seat::own_shard(uint32_t number) const {
  if (number % out_.size() != number_) return nullptr;
  return owned_[number / out_.size()].second;
}

void Seat::ask(engine::Request& request) {
  soon();
  if (Shard* own = own_shard(request.shard)) return own->arrive(request);
  out_[request.shard % out_.size()].requests.push_back(&request);
}

void Seat::answer(std::unique_ptr<engine::Run> run) {
  soon();
  auto& to = run->origin == number_ ? answered_ : out_[run->origin].answered;
  to.push_back(std::move(run));
}

void Seat::freed(uint32_t shard, base::Hash128 state) {
  soon();
  own_shard(shard)->freed(state);
}

void Seat::when_at_rest(std::function<void()> done) {
  at_rest_ = std::move(done);
  soon();
}

// What the answers lead to (a verb that asks another shard) may set soon() again: that is another
// round, before anything new is read.
void Seat::round() {
  soon_ = false;
  open_mail();
  for (const auto& [number, shard] : owned_) shard->turn();
  give_answers();
  send_mail();
  sleep();
}

void Seat::open_mail() {
  mailbox_.take(mail_);
  for (engine::Request* request : mail_.requests) own_shard(request->shard)->arrive(*request);
  for (const Mail::Freed& freed : mail_.freed) own_shard(freed.shard)->freed(freed.state);
  for (std::unique_ptr<engine::Run>& run : mail_.answered) answered_.push_back(std::move(run));
  if (mail_.limits_changed) {
    for (const auto& [number, shard] : owned_) shard->limits_changed();
  }
  mail_.clear();
}

void Seat::give_answers() {
  answering_.swap(answered_);
  for (const std::unique_ptr<engine::Run>& run : answering_) run->done(*run);
  answering_.clear();
}

void Seat::send_mail() {
  for (size_t i = 0; i < out_.size(); ++i) {
    if (!out_[i].empty()) seats_[i]->mailbox().put(out_[i]);
  }
}

void Seat::sleep() {
  base::Time due = base::Time::max();
  bool rest = true;
  for (const auto& [number, shard] : owned_) {
    due = std::min(due, shard->due());
    rest = rest && shard->at_rest();
  }
  if (at_rest_ && rest && !soon_) std::exchange(at_rest_, nullptr)();
  if (due == base::Time::max()) return;
  const base::Time now = clock_.now();
  if (due <= now) return mailbox_.ring();  // Behind a look at the sockets.
  alarm_.within(due - now);
}

}  // namespace server

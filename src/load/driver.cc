#include "load/driver.h"

#include <algorithm>
#include <utility>

#include "load/wakes.h"

namespace load {
namespace {

constexpr size_t kOpeningMax = 64;             // Connections that are being made at a time.
constexpr size_t kOutstandingMax = 1'000'000;  // Requests of an open loop, of one thread.
constexpr size_t kReceiptsMax = 1000;          // Of one ACK.
constexpr base::Duration kLook = std::chrono::milliseconds(1);
constexpr base::Duration kReopen = std::chrono::milliseconds(100);
constexpr base::Duration kGoneMax = std::chrono::seconds(10);  // Without any connection.

uint32_t weights_of(const Work& work) {
  uint32_t sum = 0;
  for (const Share& share : work.mix) sum += share.weight;
  return sum;
}

}  // namespace

Driver::Driver(Terms terms)
    : terms_(std::move(terms)),
      options_(terms_.options),
      work_(options_.work),
      keys_(work_.keys),
      random_(work_.seed + terms_.thread * 0x9e3779b97f4a7c15u),
      weights_(weights_of(work_)),
      acks_(can(work_.wire, Verb::kAck)),
      alarm_(loop_.poll(), [this] { send_due(); }) {
  if (terms_.recorder != nullptr) lines_ = std::make_unique<Lines>(*terms_.recorder, work_);
  for (unsigned i = terms_.thread; i < options_.connections; i += options_.threads) {
    connections_.emplace_back(loop_.poll(), static_cast<Connection::Told&>(*this),
                              Connection::Terms{options_.to, work_, i});
  }
}

void Driver::open() {
  for (size_t i = 0; i < kOpeningMax; ++i) open_next();
}

void Driver::open_next() {
  if (opening_ < connections_.size()) connections_[opening_++].open(false);
}

void Driver::on_ready(Connection& from) {
  ++ready_;
  from.counted = true;
  last_ready_ = steady_now();
  if (!started_) {
    open_next();
    if (ready_ == connections_.size()) terms_.on_opened();
  } else if (!open_loop()) {
    go_on(from);
  }
}

void Driver::start(const Phases& phases) {
  started_ = true;
  phases_ = phases;
  schedule_ = Schedule(phases.begin, std::max<uint64_t>(options_.rate, 1), work_.pipeline);
  next_batch_ = terms_.thread;
  loop_.after(phases.end - steady_now(), [this] { finish_if_done(); });
  if (open_loop()) return alarm_.within(phases.begin - steady_now());
  loop_.after(phases.begin - steady_now(), [this] {
    for (Connection& each : connections_) {
      if (each.ready()) go_on(each);
    }
  });
}

void Driver::wind_up() {
  phases_.end = std::min(phases_.end, steady_now());
  finish_if_done();
}

void Driver::stop() {
  for (Connection& each : connections_) give_up(each, "no answer by the end");
  finish({});
}

// Closed loop: the next batch, once all is answered.
void Driver::go_on(Connection& of) {
  if (done_) return;
  const base::Time now = steady_now();
  if (of.idle() && now < phases_.end && ask(of, now, now, nullptr)) of.send();
  finish_if_done();
}

// Open loop: all batches that are due.
void Driver::send_due() {
  if (done_) return;
  const base::Time now = steady_now();
  std::vector<Connection*> told;
  while (ready_ > 0 && outstanding_ < kOutstandingMax && !terms_.claims.exhausted()) {
    const base::Time due = schedule_.due(next_batch_);
    if (due > now || due >= phases_.end) break;
    Connection& of = connections_[turn_++ % connections_.size()];
    if (!of.ready()) continue;
    Claims::Range range = terms_.claims.take(work_.pipeline);
    range.first = next_batch_ * work_.pipeline;
    next_batch_ += options_.threads;
    if (ask(of, due, now, &range)) told.push_back(&of);
  }
  for (Connection* of : told) {
    if (of->ready()) of->send();
  }
  // Where it may not go on (no connection, too much unanswered) it looks again soon.
  const base::Time next = schedule_.due(next_batch_);
  if (next < phases_.end && !terms_.claims.exhausted())
    alarm_.within(next > now ? next - steady_now() : kLook);
  finish_if_done();
}

bool Driver::ask(Connection& of, base::Time since, base::Time now, Claims::Range* given) {
  since_ = since;
  now_ = now;
  switch (work_.shape) {
    case Shape::kMix:
      return ask_mix(of, claim(given));
    case Shape::kCycle:
      return ask_cycle(of, given);
    case Shape::kTake:
    case Shape::kDrain:
      return ask_messages(of);
  }
  return false;
}

Claims::Range Driver::claim(Claims::Range* given) {
  return given != nullptr ? *given : terms_.claims.take(work_.pipeline);
}

bool Driver::ask_mix(Connection& of, Claims::Range range) {
  const bool acknowledged = acknowledge(of);
  for (uint64_t i = 0; i < range.size; ++i) put(of, draw_verb(), range.first + i);
  return acknowledged || range.size > 0;
}

// In steps each verb's answers are awaited before the next verb; else all verbs are in each batch,
// and what is handed out is acknowledged with the next one.
bool Driver::ask_cycle(Connection& of, Claims::Range* given) {
  if (work_.overlap) {
    const bool acknowledged = acknowledge(of);
    const Claims::Range range = claim(given);
    enqueue(of, range);
    dequeue(of, range);
    return acknowledged || range.size > 0;
  }
  if (of.step % 3 == 2) {
    ++of.step;
    if (acknowledge(of)) return true;
  }
  if (of.step % 3 == 1) {
    ++of.step;
    dequeue(of, {of.range_first, work_.pipeline});
    return true;
  }
  const Claims::Range range = claim(given);
  if (range.size == 0) return false;
  ++of.step;
  of.range_first = range.first;
  enqueue(of, range);
  return true;
}

bool Driver::ask_messages(Connection& of) {
  const bool acknowledged = acknowledge(of);
  if (acknowledged && !keeps_order(work_.wire)) return true;
  if (terms_.claims.exhausted() || (work_.shape == Shape::kDrain && spent(of))) return acknowledged;
  const uint64_t messages = work_.pipeline * std::max<uint64_t>(work_.count, 1);
  dequeue(of, {(of.number() + of.step++ * options_.connections) * messages, messages});
  return true;
}

// It has looked into every queue and found nothing.
bool Driver::spent(const Connection& of) const {
  return of.empties >= std::max<uint64_t>(work_.spelling.queues, work_.pipeline);
}

bool Driver::acknowledge(Connection& of) {
  if (of.receipts.empty()) return false;
  const size_t most = work_.count == 0 ? 1 : std::min<size_t>(work_.count, kReceiptsMax);
  std::vector<std::string> held = std::exchange(of.receipts, {});
  for (size_t at = 0; at < held.size(); at += most) {
    const auto from = held.begin() + static_cast<ptrdiff_t>(at);
    const auto to = held.begin() + static_cast<ptrdiff_t>(std::min(at + most, held.size()));
    put(of, Verb::kAck, 0, {std::make_move_iterator(from), std::make_move_iterator(to)});
  }
  return true;
}

// From the queues that these messages went to; several at a time come from one queue, the next
// request's from the next one.
void Driver::dequeue(Connection& of, Claims::Range messages) {
  const uint64_t each = std::max<uint64_t>(work_.count, 1);
  for (uint64_t i = 0; i * each < messages.size; ++i)
    put(of, Verb::kDequeue, messages.first / each + i);
}

void Driver::enqueue(Connection& of, Claims::Range messages) {
  for (uint64_t i = 0; i < messages.size; ++i) put(of, Verb::kEnqueue, messages.first + i);
}

void Driver::put(Connection& of, Verb verb, uint64_t number, std::vector<std::string> receipts) {
  const uint64_t from_first = work_.first + number;
  const Draw draw{.key = keys_.draw(random_, from_first),
                  .number = from_first,
                  .queue = from_first % work_.spelling.queues};
  of.put(verb, draw, since_, now_, std::move(receipts));
  ++outstanding_;
}

Verb Driver::draw_verb() {
  if (work_.mix.size() == 1) return work_.mix.front().verb;
  uint64_t drawn = random_.below(weights_);
  for (const Share& share : work_.mix) {
    if (drawn < share.weight) return share.verb;
    drawn -= share.weight;
  }
  return work_.mix.back().verb;
}

void Driver::on_answer(Connection& from, const Open& open, const Answer& answer) {
  --outstanding_;
  answers_.fetch_add(1, std::memory_order_relaxed);
  if (lines_ != nullptr) lines_->answered(from.name(), open, answer, from.heard);
  keep(from, open, answer);
  if (answer.kind == Answer::Kind::kError) errors_.fetch_add(1, std::memory_order_relaxed);
  if (open.verb == Verb::kAck) terms_.claims.done(answer.count);
  if (open.verb == Verb::kDequeue && !acks_) terms_.claims.done(answer.messages.size());
  if (options_.law) let_pass(open, answer, from.heard);
  if (open.since < phases_.measured) return;
  tally_.answer(open.verb, open.since, from.heard, answer.kind);
  count(open, answer);
}

void Driver::keep(Connection& of, const Open& open, const Answer& answer) {
  if (open.verb != Verb::kDequeue) return;
  of.empties = answer.kind == Answer::Kind::kEmpty ? of.empties + 1 : 0;
  if (!acks_) return;
  for (const Message& one : answer.messages) of.receipts.emplace_back(one.receipt);
}

void Driver::count(const Open& open, const Answer& answer) {
  if (answer.kind == Answer::Kind::kError) return tally_.error(answer.text);
  if (work_.shape == Shape::kMix) {
    if (open.verb != Verb::kAck) ++tally_.operations;
  } else if (acks_) {
    if (open.verb == Verb::kAck) tally_.operations += answer.count;
  } else if (open.verb == Verb::kDequeue) {
    tally_.operations += answer.messages.size();
  }
}

void Driver::let_pass(const Open& open, const Answer& answer, base::Time now) {
  if (answer.kind == Answer::Kind::kEmpty && work_.wait_ms > 0)
    tally_.waited_in_vain({open.draw.queue, open.sent, now});
  if (answer.kind != Answer::Kind::kOk) return;
  const bool waited = work_.wait_ms > 0 && open.since >= phases_.measured;
  if (open.verb == Verb::kDequeue) {
    for (const Message& one : answer.messages)
      tally_.admitted(
          {open.draw.queue, open.sent, now, waited, surely_there(one, work_.lease_ms, now)});
  } else if (open.verb == Verb::kCheck || open.verb == Verb::kThrottle ||
             open.verb == Verb::kGcra || open.verb == Verb::kRequest) {
    tally_.admitted({open.draw.key, open.sent, now, waited});
  }
}

void Driver::on_answers(Connection& from) {
  if (!started_ || done_) return;
  if (open_loop()) return finish_if_done();
  go_on(from);
}

void Driver::on_lost(Connection& from, const std::string& why) {
  if (done_) return;
  const std::string text = options_.to.text() + ": " + why;
  if (!started_) return finish(base::Error{base::Code::kIo, text, {}});
  const base::Time now = steady_now();
  if (from.counted) made_and_lost(from, now);
  give_up(from, "connection lost: " + why);
  from.receipts.clear();
  from.step = 0;
  if (ready_ == 0 && now - last_ready_ > kGoneMax)
    return finish(base::Error{base::Code::kIo, text, {}});
  loop_.after(kReopen, [this, &from] {
    if (!done_ && steady_now() < phases_.end) from.open(false);
  });
  finish_if_done();
}

void Driver::made_and_lost(Connection& of, base::Time now) {
  of.counted = false;
  --ready_;
  ++tally_.lost;
  last_ready_ = now;
  if (lines_ != nullptr) lines_->closed(of.name(), of.heard, now);
}

// Nobody will answer what it has asked.
void Driver::give_up(Connection& of, std::string_view why) {
  const base::Time now = steady_now();
  for (const Open& open : of.unanswered()) {
    --outstanding_;
    if (lines_ != nullptr) lines_->unknown(open, now);
    errors_.fetch_add(1, std::memory_order_relaxed);
    if (open.since < phases_.measured) continue;
    tally_.answer(open.verb, open.since, now, Answer::Kind::kError);
    tally_.error(why);
    ++tally_.unanswered;
  }
  of.unanswered().clear();
}

void Driver::finish_if_done() {
  if (done_ || outstanding_ > 0) return;
  const auto drained = [this](const Connection& each) {
    return spent(each) && each.receipts.empty();
  };
  const bool over = steady_now() >= phases_.end || terms_.claims.exhausted() ||
                    (work_.shape == Shape::kDrain &&
                     std::all_of(connections_.begin(), connections_.end(), drained));
  if (over) finish({});
}

void Driver::finish(base::Status status) {
  if (done_) return;
  done_ = true;
  for (Connection& each : connections_) each.close();
  if (lines_ != nullptr) lines_->flush();
  terms_.on_done(std::move(status));
}

}  // namespace load

// What is asked, by whom: producers, consumers of every temper, checks, reservations and those who
// administer.
#include <algorithm>

#include "sim/world.h"

namespace sim {
namespace {

std::string random_text(Dice& dice, size_t bytes_max) {
  std::string text(dice.below(bytes_max + 1), 'x');
  for (char& c : text) c = static_cast<char>('a' + dice.below(26));
  return text;
}

}  // namespace

std::unique_ptr<Op> World::op(uint32_t shard) const {
  auto op = std::make_unique<Op>();
  op->shard = shard;
  return op;
}

uint32_t World::shard_of(size_t queue) const {
  return engine::shard_of(plan_.queues[queue].name, plan_.shards);
}

void World::start_clients() {
  for (uint32_t i = 0; i < plan_.producers; ++i) later({}, [this] { produce(); });
  for (uint32_t i = 0; i < plan_.consumers; ++i) {
    consumers_.push_back({.connection = next_connection_++,
                          .vanishes = dice_.chance(200),
                          .greedy = dice_.chance(250),
                          .slow = dice_.chance(300)});
    later({}, [this, i] { consume(i); });
  }
  if (!plan_.limits.empty()) later({}, [this] { check(); });
  if (plan_.reservations != 0 && !plan_.limits.empty()) later({}, [this] { reserve(); });
  if (plan_.administration != 0) later({}, [this] { administer(); });
  later({}, [this] { adversary(); });
}

// Declared queues are there from the start; the others are made by whoever sets them first.
void World::prepare_queues() {
  for (size_t i = 0; i < plan_.queues.size(); ++i) {
    if (plan_.queues[i].declared) continue;
    auto set = op(shard_of(i));
    engine::SetQueue what;
    what.queue = plan_.queues[i].name;
    what.change = [this, i](queue::Settings& settings) -> base::Status {
      settings = plan_.queues[i].settings;
      return {};
    };
    set->what = std::move(what);
    const Op& done = ask_now(std::move(set));
    if (!done.status) throw Broken{"QUEUE SET is refused: " + done.status.error().what};
  }
}

void World::produce() {
  if (ending_) return;
  later(dice_.span(0ns, plan_.pace * 2), [this] { produce(); });
  const size_t queue = dice_.below(plan_.queues.size());
  const QueuePlan& plan = plan_.queues[queue];
  auto op = this->op(shard_of(queue));
  const auto count = static_cast<uint64_t>(dice_.chance(850) ? 1 : dice_.between(2, 6));
  op->headers.reserve(3 * count);
  op->messages.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    auto story = std::make_unique<Story>();
    story->uid = stories_.size() + 1;
    story->queue = queue;
    story->settings = &plan.settings;
    engine::Message message;
    story->body = "m" + std::to_string(story->uid) + ":" + random_text(dice_, plan_.body_bytes_max);
    if (dice_.chance(850)) story->key = "k" + std::to_string(dice_.below(plan_.keys));
    const size_t first = op->headers.size();
    if (dice_.chance(700)) {
      story->headers.emplace_back("host", "h" + std::to_string(dice_.below(plan_.hosts)));
    }
    if (dice_.chance(100)) story->headers.emplace_back("Trace", random_text(dice_, 30));
    address(*story);
    for (const auto& [name, value] : story->headers) {
      op->headers.push_back({op->keep(name), op->keep(value)});
    }
    story->priority = dice_.chance(250) ? static_cast<uint32_t>(dice_.below(4)) : 1024;
    story->cost = dice_.between(1, plan_.cost_max);
    story->attempts = plan.settings.attempts;
    if (dice_.chance(100)) {
      story->attempts = static_cast<uint16_t>(dice_.between(1, 3));
      message.attempts = story->attempts;
    }
    if (dice_.chance(250)) message.delay = dice_.span(1ns, 3s);
    story->ttl = plan.settings.ttl;
    if (dice_.chance(100)) message.ttl = story->ttl = dice_.span(100ms, 10s);
    if (dice_.chance(200)) {
      message.dedup = op->keep("d" + std::to_string(dice_.below(20)));
    }
    for (const std::string& text : plan.settings.decide.descriptors) {
      if (text == "queue={queue}") story->descriptors.emplace_back("queue", plan.name);
      if (text == "key={key}" && !story->key.empty()) {
        story->descriptors.emplace_back("key", story->key);
      }
      if (text == "host={header:host}" && !story->headers.empty() &&
          story->headers.front().first == "host") {
        story->descriptors.emplace_back("host", story->headers.front().second);
      }
      if (text == "all=1") story->descriptors.emplace_back("all", "1");
    }
    message.body = op->keep(story->body);
    message.key = op->keep(story->key);
    message.headers = std::span(op->headers).subspan(first);
    message.priority = story->priority;
    message.cost = story->cost;
    op->messages.push_back(message);
    op->uids.push_back(story->uid);
    waited_for_[queue].insert(story.get());
    stories_.push_back(std::move(story));
    ++outcome_.counts.messages;
  }
  engine::Enqueue what;
  what.queue = plan.name;
  what.messages = op->messages;
  op->what = std::move(what);
  ask(std::move(op));
}

void World::consume(size_t consumer) {
  if (ending_) return;
  later(dice_.span(0ns, plan_.pace * 3), [this, consumer] { consume(consumer); });
  Consumer& self = consumers_[consumer];
  if (self.vanishes && dice_.chance(20)) return vanish(consumer);
  if (dice_.chance(50) && !stale_.empty()) {  // On purpose.
    return finish(dice_.pick(stale_), dice_.below(5));
  }
  if (self.asked < (self.greedy ? 4u : 2u)) dequeue(consumer);
}

// From queues of one shard, or of several at once with one claim.
void World::dequeue(size_t consumer) {
  Consumer& self = consumers_[consumer];
  const bool waits = dice_.chance(600);
  const base::Duration wait = waits ? dice_.span(1ms, 3s) : 0ns;
  const bool tied = !waits && dice_.chance(150);
  const base::Duration lease = tied ? 0ns : dice_.span(dice_.chance(300) ? 1ms : 300ms, 4s);
  const uint32_t count =
      self.greedy && dice_.chance(300) ? 100 : static_cast<uint32_t>(dice_.between(1, 3));
  std::map<uint32_t, std::vector<size_t>> by_shard;
  for (uint64_t i = 1 + dice_.below(waits ? 3 : 1); i > 0; --i) {
    const size_t queue = dice_.below(plan_.queues.size());
    if (pushed(queue)) continue;
    auto& queues = by_shard[shard_of(queue)];
    if (std::find(queues.begin(), queues.end(), queue) == queues.end()) queues.push_back(queue);
  }
  const auto claim = by_shard.size() > 1 ? std::make_shared<engine::Claim>() : nullptr;
  for (const auto& [shard, queues] : by_shard) {
    auto op = this->op(shard);
    op->connection = self.connection;
    for (const size_t queue : queues) op->names.push_back(plan_.queues[queue].name);
    engine::Dequeue what;
    what.queues = op->names;
    what.count = count;
    what.wait = wait;
    what.lease = lease;
    what.claim = claim;
    op->what = std::move(what);
    ++self.asked;
    op->then = [this, consumer, lease](Op& done) {
      --consumers_[consumer].asked;
      if (!done.status) return;
      for (const auto& each : std::get<engine::Dequeue>(done.what).deliveries) {
        const InHand in_hand{{done.shard, each.number, each.attempt, each.start},
                             by_number_[done.shard].at(each.number)->uid};
        work_on(consumer, in_hand, lease);
      }
    };
    ask(std::move(op));
  }
}

void World::work_on(size_t consumer, const InHand& in_hand, base::Duration lease) {
  if (stale_.size() < 200) stale_.push_back(in_hand);
  if (ending_) return finish(in_hand, 0);
  const bool late = consumers_[consumer].slow && dice_.chance(400);
  const base::Duration work =
      lease.count() == 0 ? dice_.span(0ns, 300ms) : dice_.span(0ns, late ? lease * 2 : lease / 2);
  if (lease.count() != 0 && dice_.chance(50)) return;  // Forgotten: the lease runs out.
  static const std::vector<uint64_t> kinds = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 4, 5};
  const uint64_t kind = dice_.pick(kinds);
  later(work, [this, in_hand, kind] { finish(in_hand, kind); });
}

// 0: ack (with some others), 1: nack, 2: nack with a delay, 3: requeue, 4: extend, 5: nack dead.
void World::finish(const InHand& in_hand, uint64_t kind) {
  if (!process_.running()) return;
  auto op = this->op(in_hand.receipt.shard);
  switch (kind) {
    case 0: {
      op->receipts.push_back(in_hand.receipt);
      if (!stale_.empty() && dice_.chance(150)) {
        const InHand& other = dice_.pick(stale_);
        if (other.receipt.shard == op->shard && !(other.receipt == in_hand.receipt)) {
          op->receipts.push_back(other.receipt);
        }
      }
      engine::Ack what;
      what.receipts = op->receipts;
      op->what = std::move(what);
      break;
    }
    case 1:
      op->what = engine::Nack{.receipt = in_hand.receipt, .delay = {}, .reason = "no luck"};
      break;
    case 2:
      op->what = engine::Nack{
          .receipt = in_hand.receipt, .delay = dice_.span(0ns, 2s), .reason = op->keep("later")};
      break;
    case 3:
      op->what = engine::Requeue{.receipt = in_hand.receipt,
                                 .delay = dice_.chance(500) ? 0ns : dice_.span(0ns, 1s)};
      break;
    case 4:
      op->what = engine::Extend{.receipt = in_hand.receipt, .lease = dice_.span(1ms, 3s)};
      later(dice_.span(0ns, 2s), [this, in_hand] { finish(in_hand, 0); });
      break;
    default:
      op->what =
          engine::Nack{.receipt = in_hand.receipt, .delay = {}, .reason = "poison", .dead = true};
  }
  ask(std::move(op));
}

// What it waits for is dropped, its tied leases end; it comes back as somebody else.
void World::vanish(size_t consumer) {
  for (uint32_t shard = 0; shard < plan_.shards; ++shard) {
    auto op = this->op(shard);
    op->connection = consumers_[consumer].connection;
    op->what = engine::Leave{};
    ask(std::move(op));
  }
  consumers_[consumer].connection = next_connection_++;
}

Pairs World::some_descriptors() {
  Pairs pairs;
  for (uint64_t i = 1 + dice_.below(2); i > 0; --i) {
    switch (dice_.below(4)) {
      case 0:
        pairs.emplace_back("queue", dice_.pick(plan_.queues).name);
        break;
      case 1:
        pairs.emplace_back("key", "k" + std::to_string(dice_.below(plan_.keys)));
        break;
      case 2:
        pairs.emplace_back("host", "h" + std::to_string(dice_.below(plan_.hosts)));
        break;
      default:
        pairs.emplace_back("all", "1");
    }
  }
  // Twice the same is twice the cost; lives of cost 1 judge waiting strictly.
  if (plan_.cost_max == 1 && pairs.size() == 2 && pairs[0] == pairs[1]) pairs.pop_back();
  return pairs;
}

namespace {

void describe(Op& op, const Pairs& pairs) {
  op.entries.reserve(pairs.size());
  for (const auto& [key, value] : pairs) op.entries.push_back({op.keep(key), op.keep(value)});
  for (const limiter::Entry& entry : op.entries) op.descriptors.emplace_back(&entry, 1);
}

}  // namespace

void World::check() {
  if (ending_) return;
  later(dice_.span(0ns, plan_.pace * 8), [this] { check(); });
  const Pairs pairs = some_descriptors();
  auto op = this->op(static_cast<uint32_t>(
      base::hash128(pairs.front().first + pairs.front().second, 1).low % plan_.shards));
  describe(*op, pairs);
  engine::Check what;
  what.domain = kDomain;
  what.descriptors = op->descriptors;
  what.cost = dice_.between(1, plan_.cost_max);
  if (dice_.chance(400)) what.wait = dice_.span(1ms, 2s);
  op->connection = dice_.pick(consumers_).connection;
  op->what = std::move(what);
  ask(std::move(op));
}

std::string World::text_of(const Pairs& pairs) {
  std::string text;
  for (const auto& [key, value] : pairs) text += (text.empty() ? "" : " ") + key + "=" + value;
  return text;
}

// Straight to the limiter, as a session does.
void World::reserve() {
  if (ending_) return;
  later(dice_.span(0ns, plan_.pace * 20), [this] { reserve(); });
  if (!process_.running()) return;
  Op texts;
  const Pairs pairs = some_descriptors();
  describe(texts, pairs);
  const limiter::Ask ask{.domain = kDomain, .descriptors = texts.descriptors, .cost = 1};
  limiter::Limiter& limiter = process_.limiter();
  const base::Time at = process_.step();
  if (dice_.chance(500)) {
    const base::Duration ttl = dice_.span(100ms, 3s);
    const auto held = limiter.acquire(ask, ttl, at);
    if (!held) throw Broken{"ACQUIRE fails: " + held.error().what};
    if (held->id.empty()) return;
    if (options_.verbose) tell("ACQUIRE " + held->id + " of " + text_of(pairs));
    ledger_.charge(at, pairs, 1, "ACQUIRE");
    holds_.push_back({held->id, pairs, at + ttl});
    if (dice_.chance(700)) {
      later(dice_.span(0ns, 4s), [this, id = held->id, life = ends_] {
        if (life != ends_) return;
        const base::Time then = process_.step();
        const auto hold = std::find_if(holds_.begin(), holds_.end(),
                                       [&](const Hold& each) { return each.id == id; });
        const bool live = hold != holds_.end() && hold->until > then;
        const base::Status status = process_.limiter().release(id, then);
        if (live && !status) throw Broken{"P5: RELEASE of a live hold: " + status.error().what};
        if (hold != holds_.end()) holds_.erase(hold);
      });
    }
    return;
  }
  const auto reserved = limiter.reserve(ask, dice_.span(100ms, 3s), at);
  if (!reserved) throw Broken{"RESERVE fails: " + reserved.error().what};
  if (reserved->id.empty()) return;
  if (options_.verbose) tell("RESERVE " + reserved->id + " of " + text_of(pairs));
  if (dice_.chance(500)) {
    const base::Status status = limiter.cancel(reserved->id, at);
    if (!status) throw Broken{"CANCEL fails: " + status.error().what};
  } else {
    ledger_.charge(at, pairs, 1, "RESERVE");
    if (dice_.chance(500) && !limiter.commit(reserved->id, {}, at)) throw Broken{"COMMIT fails"};
  }
}

void World::administer() {
  if (ending_) return;
  later(dice_.span(0ns, plan_.pace * 200'000 / plan_.administration), [this] { administer(); });
  const size_t queue = dice_.below(plan_.queues.size());
  const std::string& name = plan_.queues[queue].name;
  auto op = this->op(shard_of(queue));
  switch (dice_.below(9)) {
    case 0:
      op->what = engine::Purge{.queue = name};
      break;
    case 1:
    case 2: {
      const bool pause = dice_.chance(600);
      maybe_paused_[queue] = true;
      op->what = engine::SetQueue{.queue = name,
                                  .change = [pause](queue::Settings& settings) -> base::Status {
                                    settings.paused_out = pause;
                                    return {};
                                  },
                                  .pausing = true};
      op->then = [this, queue, pause](Op& done) {
        if (done.status) paused_[queue] = pause;
        maybe_paused_[queue] = !done.status;
      };
      if (pause) {
        later(dice_.span(10ms, 3s), [this, queue] {
          auto resume = this->op(shard_of(queue));
          maybe_paused_[queue] = true;
          resume->what = engine::SetQueue{.queue = plan_.queues[queue].name,
                                          .change = [](queue::Settings& settings) -> base::Status {
                                            settings.paused_out = false;
                                            return {};
                                          },
                                          .pausing = true};
          resume->then = [this, queue](Op& done) {
            if (done.status) paused_[queue] = false;
            maybe_paused_[queue] = !done.status;
          };
          ask(std::move(resume));
        });
      }
      break;
    }
    case 3:
    case 4: {
      engine::Redrive what;
      what.queue = name;
      if (dice_.chance(300)) what.count = static_cast<uint64_t>(dice_.between(1, 3));
      if (dice_.chance(500)) what.rate = limit::Rate{dice_.between(1, 20), 1s};
      op->what = std::move(what);
      break;
    }
    case 5:
    case 6: {
      if (stories_.empty()) return;
      Story& story = *stories_[dice_.below(stories_.size())];
      if (story.number == 0) return;
      op->shard = shard_of(story.queue);
      op->what = engine::Remove{.number = story.number};
      break;
    }
    case 7:
      op->what = engine::ListDead{.queue = name, .count = 5, .shown = {}};
      break;
    default:
      op->what = engine::Stats{.queue = name, .row = {}, .totals = {}};
  }
  ask(std::move(op));
}

std::unique_ptr<Op> World::show(uint32_t shard, queue::Number number) const {
  auto op = this->op(shard);
  op->what = engine::Show{.number = number, .shown = {}};
  return op;
}

}  // namespace sim

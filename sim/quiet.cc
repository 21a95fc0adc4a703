// What must hold whenever the process is at rest: nothing is due and no batch is out.
#include <algorithm>

#include "sim/world.h"

namespace sim {
namespace {

struct AskText {
  std::vector<limiter::Entry> entries;
  std::vector<limiter::Descriptor> descriptors;
  explicit AskText(const Pairs& pairs) {
    for (const auto& [key, value] : pairs) entries.push_back({key, value});
    for (const limiter::Entry& entry : entries) descriptors.emplace_back(&entry, 1);
  }
};

}  // namespace

void World::rest() {
  for (int turns = 0; !process_.idle(); ++turns) {
    if (turns > 100'000) {
      throw Broken{"P3: a shard is never at rest: it is due at " + to_string(process_.next()) +
                   ", always"};
    }
    process_.advance(process_.next());
    process_.turn();
    dispatch();
    if (disk_.powerless() || process_.failed()) return;
  }
}

// Answers at once, as the process is at rest and its disk does not fail.
Op& World::ask_now(std::unique_ptr<Op> op) {
  const Op* const asked = op.get();
  answer_.reset();
  op->then = nullptr;
  process_.ask(std::move(op));
  for (int turns = 0; answer_ == nullptr; ++turns) {
    if (turns > 10'000) {
      throw Broken{"P3: request " + std::to_string(asked->id) + " is never answered"};
    }
    process_.advance(std::min(process_.next(), now() + 1ms));
    process_.turn();
    for (auto& each : process_.take_answered()) {
      if (each.get() == asked) {
        answer_ = std::move(each);
      } else {
        learn(*each);
        if (each->then) each->then(*each);
      }
    }
  }
  ++outcome_.counts.requests;
  return *answer_;
}

namespace {

// One hold of each state, however many lead to it.
void hold(const Pairs& pairs, std::map<std::pair<std::string, std::string>, int64_t>& held) {
  const std::set<std::pair<std::string, std::string>> states(pairs.begin(), pairs.end());
  for (const auto& state : states) ++held[state];
}

}  // namespace

World::Held World::held() const {
  Held held;
  hold_live(&Story::descriptors, held);
  for (const Hold& each : holds_) {
    if (each.until > now()) hold(each.descriptors, held);
  }
  return held;
}

World::Held World::held_outbound() const {
  Held held;
  hold_live(&Story::outbound, held);
  return held;
}

void World::hold_live(Pairs Story::*pairs, Held& held) const {
  for (const auto& queue : waited_for_) {
    for (const Story* const story : queue) {
      if (story->possible().size() == 1 &&
          story->possible().front().where == Possible::Where::kLeased &&
          story->possible().front().until > now()) {
        hold(story->*pairs, held);
      }
    }
  }
}

// Messages whose ENQUEUE was never answered: what numbers they have, if any, only looking tells.
void World::look_for_unknown(uint32_t shard, std::vector<engine::Shown>& found) {
  std::map<uint64_t, uint64_t> highest;  // By start.
  const auto in_doubt =
      static_cast<uint64_t>(std::count_if(stories_.begin(), stories_.end(), [&](const auto& story) {
        return story->number == 0 && shard_of(story->queue) == shard && !story->over();
      }));
  for (const auto& [number, story] : by_number_[shard]) {
    uint64_t& high = highest[number >> 40];
    high = std::max(high, number & ((uint64_t{1} << 40) - 1));
  }
  if (highest.empty()) highest[1] = 0;
  const uint64_t start = std::max<uint64_t>(highest.rbegin()->first, 1);
  for (uint64_t each = start; each <= start + 1 + ends_; ++each) {
    const uint64_t high = (highest.contains(each) ? highest[each] : 0) + 40 + in_doubt;
    for (uint64_t count = 0; count <= high; ++count) {
      const queue::Number number = each << 40 | count;
      if (by_number_[shard].contains(number)) continue;
      Op& answer = ask_now(show(shard, number));
      if (answer.status) found.push_back(std::get<engine::Show>(answer.what).shown);
    }
  }
}

void World::look(bool restarted) {
  uint64_t before = 0, records = 0;
  do {  // Until nothing happens meanwhile.
    process_.hurry(true);
    rest();
    process_.hurry(false);
    if (!process_.running() || disk_.powerless() || process_.failed()) return;
    process_.hurry(true);
    before = learned_;
    records = process_.records();
    if (restarted || unknown_) find_unknown();
    unknown_ = false;
    look_at_messages();
    look_for_returned();
    compare_depths();
    rest();
    process_.hurry(false);
    if (disk_.powerless() || process_.failed()) return;
  } while (learned_ != before || process_.records() != records);
  if (!depths_.empty()) throw Broken{depths_};
  ledger_.judge(process_.limiter(), now(), held(), process_.promised());
  outbound_ledger_.judge(process_.limiter(), now(), held_outbound(), process_.promised());
  judge_targets();
  for (uint32_t shard = 0; shard < plan_.shards; ++shard) {
    const base::Status books = process_.engine(shard).check();
    if (!books) {
      throw Broken{"the books of shard " + std::to_string(shard) + ": " + books.error().what};
    }
  }
  judge_rest();
  judge_hint();
  const bool compared = restarted || dice_.chance(150);
  const bool corrupted = dice_.chance(100);
  if (compared || corrupted) compare_replica();
  if (corrupted) corrupt();
}

void World::find_unknown() {
  for (uint32_t shard = 0; shard < plan_.shards; ++shard) {
    bool unknown = false;
    for (const auto& queue : waited_for_) {
      for (const Story* const story : queue) {
        unknown |= story->number == 0 && shard_of(story->queue) == shard;
      }
    }
    if (!unknown) continue;
    std::vector<engine::Shown> found;
    look_for_unknown(shard, found);
    for (const engine::Shown& each : found) {
      engine::Delivery delivery;
      delivery.number = each.number;
      delivery.queue = each.queue;
      const auto stored = engine::decode_message(each.record);
      if (!stored) throw Broken{"P5: SHOW gives a record that cannot be read"};
      Op from;
      from.shard = shard;
      story_of(delivery, *stored, from);
    }
  }
}

void World::look_at_messages() {
  shown_.clear();
  for (auto& queue : waited_for_) {
    const std::vector<Story*> stories(queue.begin(), queue.end());
    for (Story* const story : stories) {
      look_at(*story);
      if (story->over()) queue.erase(story);
    }
  }
}

void World::look_at(Story& story) {
  if (story.open) return;
  if (story.number == 0) return story.shown(nullptr, now());
  const Op& answer = ask_now(show(shard_of(story.queue), story.number));
  if (!answer.status) {
    if (answer.status.error().code != base::Code::kNotFound) {
      throw Broken{"SHOW is refused: " + answer.status.error().what};
    }
    return story.shown(nullptr, now());
  }
  shown_.push_back(std::get<engine::Show>(answer.what).shown);
  const auto stored = engine::decode_message(shown_.back().record);
  if (!stored) throw Broken{"P5: SHOW gives a record that cannot be read" + story.tell()};
  compare(story, *stored);
  story.shown(&shown_.back(), now());
}

// What has gone does not come back.
void World::look_for_returned() {
  for (int i = 0; i < 5 && !stories_.empty(); ++i) {
    const Story& story = *dice_.pick(stories_);
    if (story.number == 0 || !story.over()) continue;
    if (ask_now(show(shard_of(story.queue), story.number)).status) {
      throw Broken{"P5: a message has come back" + story.tell()};
    }
  }
}

// Conservation: every message is in exactly one state, and the queues count them so.
void World::compare_depths() {
  depths_.clear();
  for (size_t queue = 0; queue < plan_.queues.size(); ++queue) {
    auto stats = op(shard_of(queue));
    stats->what = engine::Stats{.queue = plan_.queues[queue].name, .row = {}, .totals = {}};
    Op& answer = ask_now(std::move(stats));
    queue::Depths own;
    for (const engine::Shown& each : shown_) {
      if (each.queue != plan_.queues[queue].name) continue;
      switch (each.standing.state) {
        case queue::State::kReady:
          ++own.ready;
          break;
        case queue::State::kDelayed:
          ++own.delayed;
          break;
        case queue::State::kLeased:
          ++own.leased;
          break;
        case queue::State::kDead:
          ++own.dead;
          break;
      }
    }
    const bool none = own.waiting() + own.leased + own.dead == 0;
    if (!answer.status) {
      if (none && plan_.queues[queue].settings.durability == queue::Durability::kMemory) continue;
      throw Broken{"QUEUE STATS is refused: " + answer.status.error().what};
    }
    const queue::Depths& told = std::get<engine::Stats>(answer.what).row.depths;
    if (told.waiting() == own.waiting() && told.leased == own.leased && told.dead == own.dead) {
      continue;
    }
    depths_ = "conservation: queue " + plan_.queues[queue].name + " counts " +
              std::to_string(told.waiting()) + " waiting, " + std::to_string(told.leased) +
              " leased, " + std::to_string(told.dead) + " dead; there are " +
              std::to_string(own.waiting()) + ", " + std::to_string(own.leased) + ", " +
              std::to_string(own.dead);
  }
}

bool World::allowed(const Pairs& descriptors, int64_t cost, base::Time at, base::Duration* retry,
                    const Pairs& outbound) {
  if (descriptors.empty() && outbound.empty()) return true;
  const AskText text(descriptors), also(outbound);
  limiter::Batch batch;
  limiter::Ask ask{.cost = cost, .dry_run = true};
  if (!descriptors.empty()) ask.domain = kDomain;
  ask.descriptors = text.descriptors;
  if (!outbound.empty()) ask.also_domain = engine::kOutbound;
  ask.also = also.descriptors;
  batch.add(ask);
  process_.limiter().decide(batch, at);
  const limiter::Answer& answer = batch.answer(0);
  if (retry != nullptr) *retry = answer.numbers.retry_after;
  limited_by_ = answer.limited_by;
  return answer.allowed;
}

// P4: a retry exactly at the hint succeeds, as nobody else asks meanwhile.
// (Of laws that did not change since the start.)
void World::judge_hint() {
  if (laws_changed_) return;
  const Pairs pairs = some_descriptors();
  const int64_t cost = dice_.between(1, plan_.cost_max);
  base::Duration retry{};
  if (allowed(pairs, cost, now(), &retry) || retry == limit::kNever) return;
  if (retry.count() <= 0) throw Broken{"P4: refused, with nothing to wait for"};
  const std::string first = limited_by_;
  base::Duration again{};
  if (!allowed(pairs, cost, now() + retry, &again)) {
    std::string text;
    for (const auto& [key, value] : pairs) text += " " + key + "=" + value;
    throw Broken{"P4: refused with a hint of " + std::to_string(retry.count()) +
                 " ns, and again at that instant, with " + std::to_string(again.count()) +
                 " ns (first by " + first + ", then by " + limited_by_ + "): cost " +
                 std::to_string(cost) + " of" + text};
  }
}

// P3, P7: while a consumer waits, no message waits that may go.
void World::judge_rest() {
  if (disk_full_ || process_.failed()) return;
  if (process_.promised()) return;  // Units are kept for somebody; a dry run does not see that.
  ++outcome_.counts.idle_turns_judged;
  for (const Op* const op : process_.waiting()) {
    if (op->ran != base::Time{}) judge_waiting(*op);
  }
}

std::string World::why(const Story& story) {
  auto ask = op(shard_of(story.queue));
  engine::Why what;
  what.number = story.number;
  ask->what = what;
  const Op& answer = ask_now(std::move(ask));
  const auto& told = std::get<engine::Why>(answer.what);
  std::string text = "; WHY tells: " + std::string(engine::to_string(told.reason));
  if (!told.limited_by.empty()) text += " by " + told.limited_by;
  text += " until " + to_string(told.until) + ", ahead " + std::to_string(told.ahead);
  for (const auto& [key, value] : story.descriptors) text += " " + key + "=" + value;
  return text;
}

void World::judge_waiting(const Op& op) {
  if (const auto* check = std::get_if<engine::Check>(&op.what)) {
    Pairs pairs;
    for (const limiter::Entry& entry : op.entries) {
      pairs.emplace_back(std::string(entry.key), std::string(entry.value));
    }
    if (plan_.cost_max == 1 && !laws_changed_ && allowed(pairs, check->cost, now())) {
      throw Broken{"P3: a CHECK of " + pairs.front().first + "=" + pairs.front().second +
                   " waits since " + to_string(op.ran) + ", but it may go at " + to_string(now())};
    }
    return;
  }
  const auto* dequeue = std::get_if<engine::Dequeue>(&op.what);
  if (dequeue == nullptr || (dequeue->claim && dequeue->claim->taken)) return;
  for (const std::string_view name : dequeue->queues) {
    const size_t queue = queue_of(name);
    if (paused_[queue] || maybe_paused_[queue]) continue;
    const uint32_t cap = plan_.queues[queue].settings.in_flight_per_key;
    std::map<std::string, uint32_t> in_flight;
    for (const Story* const story : waited_for_[queue]) {
      const Possible& is = story->possible().front();
      if (is.where == Possible::Where::kLeased ||
          (is.where == Possible::Where::kWaiting && is.delivered > 0)) {
        ++in_flight[story->key];
      }
    }
    for (const Story* const story : waited_for_[queue]) {
      const Possible& is = story->possible().front();
      if (story->possible().size() != 1 || is.where != Possible::Where::kWaiting) continue;
      if (is.due_low > now()) continue;
      if (laws_changed_ && !story->descriptors.empty()) continue;
      if (cap != 0 && in_flight[story->key] != 0) continue;
      // Whoever stands before it may ask for more, and twice for the same.
      const int64_t most = plan_.cost_max == 1 ? 1 : 2 * plan_.cost_max;
      if (!allowed(story->descriptors, most, now(), nullptr, story->outbound)) continue;
      throw Broken{"P3/P7: at " + to_string(now()) + " a consumer of " + std::string(name) +
                   " waits (request " + std::to_string(op.id) + ", since " + to_string(op.ran) +
                   "), and so does a message that may go" + why(*story) + story->tell()};
    }
  }
}

}  // namespace sim

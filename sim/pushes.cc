// The dispatcher, as server/ has it: for each queue that is pushed a standing DEQUEUE, for each
// delivery one exchange with its host, and what dispatch/ makes of the outcome.
#include <algorithm>

#include "sim/world.h"

namespace sim {

dispatch::HostsOptions World::hosts_options() const {
  return {.breaker_failures = 3,
          .backoff_base = 200ms,
          .backoff_max = 5s,
          .probe = plan_.push_probe,
          .seed = options_.seed};
}

void World::start_pushes() {
  if (plan_.outbound.empty()) return;
  hosts_ = std::make_unique<dispatch::Hosts>(process_.limiter(), hosts_options());
  street_.begin();
  pusher_ = next_connection_++;
  std::fill(standing_.begin(), standing_.end(), false);
  for (uint32_t shard = 0; shard < plan_.shards; ++shard) {
    process_.engine(shard).on_push([this](std::string_view name, const queue::Push& push) {
      if (!push.on()) throw Broken{"queue " + std::string(name) + " is pushed no more"};
      later({}, [this, queue = queue_of(name)] { stand(queue); });
    });
  }
}

bool World::pushed(size_t queue) const { return plan_.queues[queue].settings.push.on(); }

void World::stand(size_t queue) {
  if (!process_.running() || stopping_ || standing_[queue]) return;
  auto op = this->op(shard_of(queue));
  op->connection = pusher_;
  op->names.push_back(plan_.queues[queue].name);
  engine::Dequeue what;
  what.queues = op->names;
  what.count = 4;
  what.wait = std::chrono::hours(24);
  what.lease = plan_.push_timeout + plan_.push_slack;
  what.unsynced = true;
  op->what = std::move(what);
  op->then = [this, queue](Op& done) {
    standing_[queue] = false;
    if (!process_.running()) return;
    if (!done.status) return later(100ms, [this, queue] { stand(queue); });  // The disk is full.
    for (const auto& each : std::get<engine::Dequeue>(done.what).deliveries) push(each, done.shard);
    stand(queue);
  };
  standing_[queue] = true;
  ask(std::move(op));
}

void World::push(const engine::Delivery& delivery, uint32_t shard) {
  const Story& story = *by_number_[shard].at(delivery.number);
  const InHand in_hand{{shard, delivery.number, delivery.attempt, delivery.start}, story.uid};
  const std::string host = host_of(story);
  if (host.empty()) return finish(in_hand, 5);
  const base::Duration lease = plan_.push_timeout + plan_.push_slack;
  street_.leased(host, story.uid, delivery.lease_until - lease);
  if (delivery.lease_until - now() < plan_.push_timeout) {  // It might outlast its lease.
    street_.ended(host, story.uid, now());
    return finish(in_hand, 3);
  }
  const base::Time started = process_.step();
  hosts_->begin(host, started);
  const Street::Answer answer = street_.request(host, started, ending_);
  if (options_.verbose) {
    tell("push m" + std::to_string(story.uid) + " to " + host + ": " +
         std::to_string(answer.status) + " in " + std::to_string(answer.took.count()) + " ns");
  }
  ++outcome_.counts.pushes;
  if (ending_) return end_push(in_hand, host, answer, started);
  later(answer.took, [this, in_hand, host, answer, started, life = ends_] {
    if (life == ends_) end_push(in_hand, host, answer, started);
  });
}

void World::end_push(const InHand& in_hand, const std::string& host, const Street::Answer& answer,
                     base::Time started) {
  const base::Time at = process_.step();
  dispatch::Exchange exchange;
  exchange.failure = answer.failure;
  exchange.status = answer.status;
  exchange.retry_after = answer.retry_after;
  const dispatch::Judgement judgement = dispatch::judge(exchange, at, {});
  dispatch::Hosts::Timing timing;
  timing.started = started;
  timing.total = answer.took;
  hosts_->end(host, judgement, exchange, timing, at);
  street_.ended(host, in_hand.uid, at);
  street_.told(hosts_->row(host, at), at);
  static constexpr uint64_t kKinds[] = {0, 3, 1, 5};  // As finish() counts them.
  finish(in_hand, kKinds[static_cast<size_t>(judgement.outcome)]);
}

void World::trouble_hosts() {
  if (hosts_ == nullptr) return;
  const base::Time at = process_.step();
  street_.trouble(at);
  hosts_->tick(at);
  for (const std::string& host : street_.hosts()) street_.told(hosts_->row(host, at), at);
}

std::string World::host_of(const Story& story) {
  const Pairs& pairs = story.outbound;
  return !pairs.empty() && pairs.front().first == engine::kHostKey ? pairs.front().second : "";
}

// What a message of a push queue has beside the others'.
void World::address(Story& story) {
  const queue::Push& push = plan_.queues[story.queue].settings.push;
  if (!push.on()) return;
  const std::string host = "p" + std::to_string(dice_.below(plan_.push_hosts)) + ".test";
  std::string url = (dice_.chance(500) ? "http://" : "HTTP://user@") + host;
  if (dice_.chance(300)) url += ":80/x";
  const bool nonsense = dice_.chance(20);
  story.headers.emplace_back("url", nonsense ? "nonsense" : url);
  if (push.url != "{header:url}") {
    story.outbound.emplace_back(engine::kHostKey, "fixed.test:8080");
  } else if (!nonsense) {
    story.outbound.emplace_back(engine::kHostKey, host);
  }
  story.outbound.emplace_back(engine::kGlobalKey, engine::kGlobalValue);
}

// TARGETS tells what waits, host by host. REQUIRES: at rest, and looked at.
void World::judge_targets() {
  if (plan_.outbound.empty()) return;
  std::map<std::string, uint64_t> told, own;
  for (uint32_t shard = 0; shard < plan_.shards; ++shard) {
    auto asked = op(shard);
    asked->what = engine::Targets{};
    const uint64_t records = process_.records();
    const Op& answer = ask_now(std::move(asked));
    if (!answer.status) throw Broken{"TARGETS is refused: " + answer.status.error().what};
    if (process_.records() != records) return;  // Something moved meanwhile.
    for (const auto& row : std::get<engine::Targets>(answer.what).rows)
      told[row.host] += row.waiting;
  }
  for (const engine::Shown& each : shown_) {
    if (each.standing.state != queue::State::kReady) continue;
    const auto& numbers = by_number_[engine::shard_of(each.queue, plan_.shards)];
    const std::string host = host_of(*numbers.at(each.number));
    if (!host.empty()) ++own[host];
  }
  for (const auto& [host, count] : own) {
    const Pairs pairs = {{std::string(engine::kHostKey), host}};
    const bool may_go = allowed({}, 1, now(), nullptr, pairs);
    if (may_go || limited_by_ != "blocked" || street_.blocked(host, now())) continue;
    throw Broken{"P7: " + std::to_string(count) + " messages for " + host +
                 " are blocked, but their host is not"};
  }
  if (told == own) return;
  std::string text = "TARGETS tells of other messages than those that wait:";
  for (const auto& [host, count] : told) text += " " + host + " " + std::to_string(count);
  text += "; there are:";
  for (const auto& [host, count] : own) text += " " + host + " " + std::to_string(count);
  throw Broken{text};
}

}  // namespace sim

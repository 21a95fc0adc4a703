#include "sim/plan.h"

#include <algorithm>

#include "engine/id.h"
#include "engine/template.h"

namespace sim {
namespace {

limiter::LimitSpec spec_of(const LimitPlan& plan) {
  limiter::LimitSpec spec;
  spec.name = plan.name;
  spec.algorithm = "simulated";
  spec.law = plan.law;
  return spec;
}

void draw_limits(Dice& dice, Plan& plan) {
  static const std::vector<std::string> keys = {"queue", "key", "host", "all"};
  const uint64_t count = dice.chance(250) ? 0 : 1 + dice.below(4);
  for (uint64_t i = 0; i < count; ++i) {
    plan.limits.push_back({.name = "limit" + std::to_string(i),
                           .key = dice.pick(keys),
                           .law = draw_law(dice, plan.cost_max)});
  }
}

queue::Decide draw_decide(Dice& dice, const Plan& plan) {
  queue::Decide decide;
  if (plan.limits.empty() || dice.chance(150)) return decide;
  decide.domain = kDomain;
  if (dice.chance(500)) decide.descriptors.push_back("queue={queue}");
  if (dice.chance(600)) decide.descriptors.push_back("key={key}");
  if (dice.chance(600)) decide.descriptors.push_back("host={header:host}");
  if (dice.chance(400)) decide.descriptors.push_back("all=1");
  if (decide.descriptors.empty()) decide.descriptors.push_back("all=1");
  return decide;
}

queue::Settings draw_settings(Dice& dice, const Plan& plan, bool weak) {
  queue::Settings settings;
  settings.lease = dice.span(200ms, 5s);
  settings.attempts = static_cast<uint16_t>(dice.chance(300) ? dice.between(1, 4) : 1000);
  settings.backoff.base = dice.span(1ms, 500ms);
  settings.backoff.max = dice.span(1s, 3s);
  settings.in_flight_per_key = dice.chance(250) ? static_cast<uint32_t>(dice.between(1, 2)) : 0;
  if (weak && dice.chance(400)) {
    settings.durability = dice.chance(500) ? queue::Durability::kOs : queue::Durability::kMemory;
  }
  if (dice.chance(150)) settings.ttl = dice.span(1s, 10s);
  settings.dedup_window = dice.span(500ms, 20s);
  settings.decide = draw_decide(dice, plan);
  if (dice.chance(150)) settings.dead_keep = dice.span(1s, 10s);
  settings.dead_expired = dice.chance(300);
  if (dice.chance(400)) settings.weights = {{"k0", 3}, {"*", 2}};
  if (dice.chance(150)) settings.messages_max = static_cast<uint64_t>(dice.between(5, 60));
  return settings;
}

void draw_faults(Dice& dice, Plan& plan) {
  const uint64_t mood = dice.below(4);  // 0: calm.
  plan.administration = dice.chance(500) ? static_cast<uint32_t>(dice.between(50, 300)) : 0;
  plan.reloads = dice.chance(400) ? static_cast<uint32_t>(dice.between(10, 100)) : 0;
  plan.reservations = dice.chance(300) ? 100 : 0;
  plan.jumps = dice.chance(300) ? 10 : 0;
  plan.stops = dice.chance(300) ? 10 : 0;
  if (mood == 0) return;
  const auto rate = [&](int64_t most) {
    return dice.chance(500) ? static_cast<uint32_t>(dice.between(1, most)) : 0;
  };
  plan.kills = rate(40);
  plan.power_cuts = rate(40);
  plan.cuts_inside = rate(60);
  plan.failed_syncs = rate(30);
  plan.failed_writes = rate(30);
  plan.full_disks = dice.chance(250) ? 20 : 0;
  plan.sync_max = dice.chance(600) ? dice.span(100us, 200ms) : base::Duration{};
  // What arrives while a slow batch is out must fit into what is preallocated.
  if (plan.sync_max.count() > 0) plan.segment_bytes = 1 << 20;
}

}  // namespace

limiter::Law draw_law(Dice& dice, int64_t cost_max) {
  const limit::Rate rate{dice.between(cost_max, cost_max + 12), dice.span(300ms, 4s)};
  switch (dice.below(6)) {
    case 0:
      return limit::FixedWindow::make(rate).value();
    case 1:
      return limit::SlidingCounter::make(rate).value();
    case 2:
      return limit::SlidingLog::make(rate).value();
    case 3:
      return limit::Concurrency::make(dice.between(1, 4), std::chrono::hours(1)).value();
    default:
      return limit::Gcra::make(rate, dice.between(cost_max, cost_max + 8)).value();
  }
}

namespace {

// In some lives, some queues are pushed. From dice of its own: the other lives stay as they were.
void add_pushes(Plan& plan, uint64_t seed) {
  Dice dice(seed ^ 0x70757368);
  if (!dice.chance(250)) return;
  plan.push_hosts = static_cast<uint32_t>(dice.between(1, 5));
  plan.push_per_host = static_cast<size_t>(dice.between(1, 3));
  plan.push_total = static_cast<size_t>(dice.between(1, 8));
  plan.push_timeout = dice.span(20ms, 1s);
  plan.push_slack = 2 * plan.sync_max + 200ms;
  plan.push_probe = plan.push_timeout + dice.span(100ms, 2s);
  const auto cap = [](size_t most) {
    return limit::Concurrency::make(static_cast<int64_t>(most), std::chrono::hours(1)).value();
  };
  plan.outbound.push_back({.name = "per-host", .key = "host", .law = cap(plan.push_per_host)});
  plan.outbound.push_back({.name = "total", .key = "dispatch", .law = cap(plan.push_total)});
  if (dice.chance(500))
    plan.outbound.push_back({.name = "rate", .key = "host", .law = draw_law(dice, plan.cost_max)});
  const size_t first = dice.below(plan.queues.size());
  for (size_t i = 0; i < plan.queues.size(); ++i) {
    if (i != first && dice.chance(600)) continue;
    queue::Push& push = plan.queues[i].settings.push;
    push.url = dice.chance(800) ? "{header:url}" : "http://Fixed.test:8080/{queue}";
    push.timeout = plan.push_timeout;
  }
}

}  // namespace

Plan draw_plan(Dice& dice, uint64_t seed) {
  Plan plan;
  plan.shards = static_cast<uint32_t>(dice.chance(500) ? 1 : dice.between(2, 3));
  plan.cost_max = dice.chance(300) ? dice.between(2, 5) : 1;
  plan.keys = static_cast<uint32_t>(dice.between(1, 6));
  plan.hosts = static_cast<uint32_t>(dice.between(1, 4));
  plan.producers = static_cast<uint32_t>(dice.between(1, 3));
  plan.consumers = static_cast<uint32_t>(dice.between(1, 4));
  plan.pace = dice.span(2ms, 60ms);
  plan.body_bytes_max = dice.chance(200) ? 3000 : 200;
  plan.snapshot_after_bytes = static_cast<uint64_t>(dice.between(4, 64)) << 10;
  draw_limits(dice, plan);
  const bool weak = dice.chance(250);
  const uint64_t queues = 1 + dice.below(4);
  for (uint64_t i = 0; i < queues; ++i) {
    plan.queues.push_back({.name = "q" + std::to_string(i),
                           .settings = draw_settings(dice, plan, weak),
                           .declared = dice.chance(400)});
  }
  draw_faults(dice, plan);
  add_pushes(plan, seed);
  return plan;
}

namespace {

std::string describe(const limiter::Law& law) {
  static constexpr const char* kNames[] = {"gcra", "window", "counter", "log", "concurrency"};
  std::string text = kNames[law.index()];
  std::visit(
      [&](const auto& each) {
        if constexpr (std::is_same_v<std::decay_t<decltype(each)>, limit::Concurrency>) {
          text += " " + std::to_string(each.cap());
        } else {
          text += " " + limit::to_string(each.rate());
        }
      },
      law);
  if (const auto* gcra = std::get_if<limit::Gcra>(&law)) {
    text += " burst " + std::to_string(gcra->burst());
  }
  return text;
}

}  // namespace

std::string describe(const Plan& plan) {
  std::string text = std::to_string(plan.shards) + " shards, cost up to " +
                     std::to_string(plan.cost_max) + ", batches take up to " +
                     std::to_string(plan.sync_max.count()) + " ns;";
  for (const LimitPlan& limit : plan.limits) {
    text += " " + limit.name + " by " + limit.key + ": " + describe(limit.law) + ";";
  }
  for (const LimitPlan& limit : plan.outbound) {
    text += " pushes' " + limit.name + " by " + limit.key + ": " + describe(limit.law) + ";";
  }
  for (const QueuePlan& queue : plan.queues) {
    text += " " + queue.name + " (shard " +
            std::to_string(engine::shard_of(queue.name, plan.shards)) + ", in flight per key " +
            std::to_string(queue.settings.in_flight_per_key) + ", durability " +
            std::to_string(static_cast<int>(queue.settings.durability)) + ", most " +
            std::to_string(queue.settings.messages_max) + "):";
    for (const std::string& each : queue.settings.decide.descriptors) text += " " + each;
    if (queue.settings.push.on()) text += " pushed to " + queue.settings.push.url;
    text += ";";
  }
  return text;
}

namespace {

limiter::DomainSpec domain_of(std::string_view name, const std::vector<std::string>& keys,
                              const std::vector<LimitPlan>& limits) {
  limiter::DomainSpec domain;
  domain.name = name;
  for (const std::string& key : keys) {
    limiter::NodeSpec node;
    node.key = key;
    for (const LimitPlan& limit : limits) {
      if (limit.key == key && limit.there) node.limits.push_back(spec_of(limit));
    }
    domain.nodes.push_back(std::move(node));
  }
  return domain;
}

}  // namespace

std::vector<limiter::DomainSpec> specs_of(const Plan& plan, const std::vector<LimitPlan>& limits) {
  std::vector<limiter::DomainSpec> specs;
  specs.push_back(domain_of(kDomain, {"queue", "key", "host", "all"}, limits));
  if (!plan.outbound.empty())
    specs.push_back(domain_of(engine::kOutbound, {"host", "dispatch"}, plan.outbound));
  return specs;
}

}  // namespace sim

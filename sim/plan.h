// What kind of life a seed leads: how many shards, which queues, which limits, which faults. Some
// lives are calm, so that strict promises (nothing waits that may go) can be judged often.
#pragma once
#include <string>
#include <vector>

#include "limiter/limiter.h"
#include "queue/settings.h"
#include "sim/dice.h"

namespace sim {

inline constexpr const char* kDomain = "d";

struct LimitPlan {
  std::string name;
  std::string key;  // Of its descriptors: "queue", "key", "host", "all"; "dispatch".
  limiter::Law law;
  bool there = true;     // Not removed by a reload.
  uint32_t version = 0;  // Counts changes of the law.
};

struct QueuePlan {
  std::string name;
  queue::Settings settings;
  bool declared = false;
};

struct Plan {
  uint32_t shards = 1;
  std::vector<QueuePlan> queues;
  std::vector<LimitPlan> limits;
  // Of the domain of pushes; empty: no queue is pushed. Never changed by a reload.
  std::vector<LimitPlan> outbound;
  uint32_t push_hosts = 1;
  size_t push_per_host = 1, push_total = 1;                   // Requests open at a time.
  base::Duration push_timeout{}, push_slack{}, push_probe{};  // A lease is timeout + slack.
  uint32_t keys = 4, hosts = 3;                               // Distinct ones of messages.
  int64_t cost_max = 1;
  uint32_t body_bytes_max = 200;
  uint32_t producers = 2, consumers = 2;
  base::Duration pace = 20ms;  // Between two actions of a client, on average.
  base::Duration sync_max{};   // The longest batch.
  uint32_t segment_bytes = 64 << 10;
  uint64_t snapshot_after_bytes = 32 << 10;
  // Per thousand steps of the adversary.
  uint32_t kills = 0, power_cuts = 0, cuts_inside = 0, failed_syncs = 0, failed_writes = 0,
           full_disks = 0, jumps = 0, stops = 0, reloads = 0, administration = 0, reservations = 0;
};

Plan draw_plan(Dice& dice, uint64_t seed);
// `limits` are those of kDomain, as they are now.
std::vector<limiter::DomainSpec> specs_of(const Plan& plan, const std::vector<LimitPlan>& limits);
std::string describe(const Plan& plan);  // For people.
limiter::Law draw_law(Dice& dice, int64_t cost_max);

}  // namespace sim

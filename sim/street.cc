#include "sim/street.h"

#include <algorithm>

#include "sim/broken.h"

namespace sim {

void Street::begin() {
  for (auto& [name, host] : hosts_) {
    host.open.clear();
    host.blocks.clear();
  }
}

void Street::trouble(base::Time now) {
  for (auto& [name, host] : hosts_) {
    if (dice_.chance(30)) host.ill_until = now + dice_.span(100ms, 10s);
    if (dice_.chance(50)) host.busy_until = now + dice_.span(10ms, 3s);
  }
}

bool Street::blocked(const std::string& name, base::Time now) const {
  const auto host = hosts_.find(name);
  if (host == hosts_.end() || host->second.blocks.empty()) return false;
  const Block& last = host->second.blocks.back();
  return last.ended > now && (last.until > now || last.probing);
}

std::vector<std::string> Street::hosts() const {
  std::vector<std::string> names;
  for (const auto& [name, host] : hosts_) names.push_back(name);
  return names;
}

Street::Answer Street::answer(Host& host, base::Time now) {
  Answer answer;
  answer.took = dice_.span(1us, plan_.push_timeout / (dice_.chance(200) ? 1 : 10));
  if (host.ill_until > now) {
    answer.failure = dice_.chance(500) ? dispatch::Failure::kConnect : dispatch::Failure::kTimeout;
    if (answer.failure == dispatch::Failure::kTimeout) answer.took = plan_.push_timeout;
  } else if (host.busy_until > now) {
    answer.status = dice_.chance(700) ? 429 : 503;
    if (dice_.chance(700)) answer.retry_after = std::to_string(dice_.between(0, 4));
  } else if (dice_.chance(100)) {
    static const std::vector<int> kOthers = {500, 404, 302, 410, 502};
    answer.status = dice_.pick(kOthers);
  } else {
    answer.status = 200;
  }
  return answer;
}

// By when requests end, not by when anybody heard of it.
size_t Street::count(Host& host, base::Time now) const {
  std::erase_if(host.open, [&](base::Time end) { return end <= now; });
  return host.open.size();
}

Street::Answer Street::request(const std::string& name, base::Time now, bool well) {
  Host& host = hosts_[name];
  size_t all = 0;
  for (auto& [other, each] : hosts_) all += count(each, now);
  if (host.open.size() >= plan_.push_per_host || all >= plan_.push_total) {
    throw Broken{"caps: a request to " + name + " comes at " + to_string(now) + ", but " +
                 std::to_string(host.open.size()) + " of " + std::to_string(plan_.push_per_host) +
                 " are open there and " + std::to_string(all) + " of " +
                 std::to_string(plan_.push_total) + " in all"};
  }
  Answer answer{.status = 200, .retry_after = {}};
  if (!well) answer = this->answer(host, now);
  host.open.push_back(now + answer.took);
  return answer;
}

void Street::leased(const std::string& name, uint64_t uid, base::Time at) {
  for (Block& block : hosts_[name].blocks) {
    if (at <= block.from || at >= block.ended) continue;
    const std::string story = "m" + std::to_string(uid) + " is leased for " + name + " at " +
                              to_string(at) + "; it was blocked at " + to_string(block.from) +
                              " until " + to_string(block.until);
    if (at < block.until) throw Broken{"back-off: " + story};
    if (!block.probing) continue;
    for (const Probe& probe : block.probes) {
      if (at >= std::min(probe.end, probe.at + plan_.push_probe)) continue;
      throw Broken{"probes: " + story + ", and m" + std::to_string(probe.uid) +
                   " is its probe since " + to_string(probe.at)};
    }
    block.probes.push_back({uid, at, base::Time::max()});
  }
}

void Street::ended(const std::string& name, uint64_t uid, base::Time now) {
  for (Block& block : hosts_[name].blocks) {
    for (Probe& probe : block.probes) {
      if (probe.uid == uid) probe.end = std::min(probe.end, now);
    }
  }
}

void Street::told(const dispatch::HostRow& row, base::Time now) {
  std::vector<Block>& blocks = hosts_[row.host].blocks;
  const bool blocked = !row.reason.empty();
  const bool probing = row.reason == "breaker" || row.reason == "half open";
  Block* const last = blocks.empty() ? nullptr : &blocks.back();
  const bool same = last != nullptr && last->ended == base::Time::max() &&
                    last->until == row.blocked_until && last->probing == probing;
  if (blocked && same) return;
  if (last != nullptr) last->ended = std::min(last->ended, now);
  if (blocked) blocks.push_back({.from = now, .until = row.blocked_until, .probing = probing});
}

}  // namespace sim

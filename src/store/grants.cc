#include "store/grants.h"

#include <algorithm>
#include <utility>

namespace store {
namespace {

using limit::Decision;

// How long nobody asks for a key until it is idle, and how near to its end a block is old.
base::Duration idle_after(base::Duration life) { return life / 4; }
base::Duration old_before(base::Duration life) { return life / 8; }

constexpr size_t kAlongMax = 64;  // Keys that are looked at for each call.

}  // namespace

// ---- A key.

void Grants::Hot::drop_dead(base::Time now) {
  for (Block& each : blocks) {
    if (now >= each.until) each.units = 0;
  }
}

void Grants::Hot::count(int64_t cost, base::Time now) {
  const base::Duration life = law->grant_life();
  if (now - span >= life) {
    demand_before = now - span < 2 * life ? demand : 0;
    demand = 0;
    span = now;
  }
  demand = limiter::saturating_add(demand, cost);
  last = now;
}

void Grants::Hot::put(const Block& block) {
  if (blocks[0].units == 0) blocks[0] = std::exchange(blocks[1], {});
  if (blocks[0].units == 0) {
    blocks[0] = block;
  } else if (blocks[1].units == 0) {
    blocks[1] = block;
  } else {
    // A few, usually. They all die with those that die first, and are as old as the oldest.
    Block& both = blocks[1];
    both = {.units = both.units + block.units,
            .sent = std::min(both.sent, block.sent),
            .until = std::min(both.until, block.until),
            .charged_us = std::min(both.charged_us, block.charged_us)};
  }
}

// ---- Spending.

Grants::Hot* Grants::find_hot(const limiter::Hit& hit, const Law& law, base::Time now) {
  if (const auto found = hot_.find(hit.key); found != hot_.end()) return &found->second;
  if (hot_.size() >= kKeysMax) return nullptr;
  const int64_t asked = cold_.count(hit.key, std::min(hit.cost, kHotUnits), now, law.grant_life());
  if (asked < kHotUnits) return nullptr;
  Hot& hot = hot_[hit.key];
  hot.law = &law;
  hot.span = now;
  hot.demand_before = asked;
  hot.turn = turns_.insert(turns_.end(), hit.key);
  watch(hit.key, hot, now + 2 * law.grant_life());
  return &hot;
}

// What it should hold once a grant is there: it lasts for three quarters of a life.
int64_t Grants::full(const Hot& hot, int64_t sharers) {
  const int64_t demand = std::max(hot.demand, hot.demand_before);
  return std::clamp(demand - demand / 4, kBlockMin, hot.law->grant_units() / sharers);
}

int64_t Grants::missing(const Hot& hot, int64_t sharers, base::Time now) {
  const int64_t units = full(hot, sharers) - hot.units();
  if (hot.law->kind() != Law::Kind::kWindow || now >= hot.window_end) return units;
  // The last units of a window are nobody's alone.
  const int64_t part = hot.room / (2 * sharers);
  return part < kBlockMin ? 0 : std::min(units, part);
}

// Units here, and in the store as it was last heard of.
Decision Grants::shown(const Hot& hot, bool allowed, int64_t left, base::Time now) {
  const Law& law = *hot.law;
  Decision out{.allowed = allowed, .limit = law.burst()};
  out.remaining = std::clamp<int64_t>(left, 0, law.burst());
  if (law.kind() == Law::Kind::kGcra) {
    out.reset_after = law.span_of(law.burst() - out.remaining);
  } else if (now < hot.window_end) {
    out.reset_after = hot.window_end - now;
  }
  return out;
}

Grants::Answer Grants::take(const limiter::Hit& hit, const Law& law, const Terms& terms) {
  Answer out;
  const base::Time now = terms.now;
  const int64_t most = law.grant_units();
  // More than what is left of the burst beside grants is a question for the store.
  if (most / terms.sharers < kBlockMin || hit.cost <= 0 || hit.cost > law.burst() - most - 1)
    return out;
  Hot* const found = find_hot(hit, law, now);
  if (found == nullptr) return out;
  Hot& hot = *found;
  hot.count(hit.cost, now);
  hot.drop_dead(now);
  const int64_t before = hot.units();
  const bool enough = before >= hit.cost;
  if (enough) {
    int64_t left = hit.cost;
    for (size_t i = 0; i < hot.blocks.size(); ++i) {
      out.taken[i] = hot.blocks[i];
      out.taken[i].units = std::min(left, hot.blocks[i].units);
      hot.blocks[i].units -= out.taken[i].units;
      left -= out.taken[i].units;
    }
  }
  if (hot.freed != freed_) hot.quiet = hot.refused = {};
  hot.freed = freed_;
  const bool refused = now < hot.refused;
  if (hot.outstanding == 0 && now >= hot.quiet) {
    out.wants = hot.units() <= full(hot, terms.sharers) / 4 && missing(hot, terms.sharers, now) > 0;
  }
  if (enough) {
    out.known = Answer::Known::kTaken;
    out.kept = shown(hot, true, before + hot.room, now);
    out.spent = shown(hot, true, before - hit.cost + hot.room, now);
  } else if (refused) {
    out.known = Answer::Known::kRefused;
    out.spent = out.kept = shown(hot, false, before, now);
    out.spent.retry_after = std::max(hot.refused, hot.empty + law.span_of(hit.cost)) - now;
    out.kept.retry_after = out.spent.retry_after;
  }
  return out;
}

void Grants::put_back(base::Hash128 key, const Blocks& taken, base::Time now) {
  const auto found = hot_.find(key);
  if (found == hot_.end()) return;
  Hot& hot = found->second;
  for (const Block& back : taken) {
    if (back.units == 0 || now >= back.until) continue;
    const auto same = std::ranges::find_if(hot.blocks, [&](const Block& each) {
      return each.until == back.until && each.charged_us == back.charged_us;
    });
    if (same != hot.blocks.end()) {
      same->units += back.units;
    } else {
      hot.put(back);
    }
    watch(key, hot, now + idle_after(hot.law->grant_life()));
  }
}

// ---- Asking for more.

Grants::Request Grants::send_for(base::Hash128 key, const Law& law, Place place,
                                 const Terms& terms) {
  Hot& hot = hot_.at(key);
  hot.law = &law;
  hot.place = std::move(place);
  return request(key, hot, terms);
}

Grants::Request Grants::request(base::Hash128 key, Hot& hot, const Terms& terms) {
  hot.outstanding = ++requests_;
  turns_.splice(turns_.end(), turns_, hot.turn);
  const int64_t units = missing(hot, terms.sharers, terms.now);
  return {key, hot.outstanding, hot.law, units, terms.now, hot.place};
}

std::vector<Grants::Request> Grants::send_along(const std::string& domain, const Terms& terms) {
  std::vector<Request> out;
  auto next = turns_.begin();
  for (size_t n = std::min(kAlongMax, turns_.size()); n > 0; --n) {
    const base::Hash128 key = *next++;
    Hot& hot = hot_.at(key);
    const bool idle = terms.now - hot.last >= idle_after(hot.law->grant_life());
    if (idle || hot.outstanding != 0 || terms.now < hot.quiet || hot.place.domain != domain)
      continue;
    hot.drop_dead(terms.now);
    if (missing(hot, terms.sharers, terms.now) > full(hot, terms.sharers) / 4)
      out.push_back(request(key, hot, terms));
  }
  return out;
}

void Grants::answered(const Request& request, std::optional<Granted> granted, base::Time now) {
  const auto found = hot_.find(request.key);
  if (found == hot_.end() || found->second.outstanding != request.number) return;
  Hot& hot = found->second;
  const base::Duration life = request.law->grant_life();
  hot.outstanding = 0;
  if (!granted) {
    hot.quiet = now + life / 4;
    return;
  }
  const bool window = request.law->kind() == Law::Kind::kWindow;
  const base::Duration left = window ? from_us(granted->window_us) : life;
  hot.room = granted->room;
  if (window) hot.window_end = now + left;
  const base::Duration usable = std::min(life, left);
  const base::Time until = request.sent + usable - usable / 256;
  if (granted->units > 0 && now < until) {
    hot.put({granted->units, request.sent, until, granted->charged_us});
    watch(request.key, hot, now + idle_after(life));
  }
  if (granted->units == request.units) return;
  if (window) {
    hot.quiet = now + life / 2;  // What others return may come.
    return;
  }
  // Worth asking again when half of it has come free.
  hot.empty = now;
  hot.quiet = hot.refused =
      now + request.law->span_of(std::max<int64_t>((request.units - granted->units) / 2, 1));
}

// ---- Giving back.

void Grants::watch(base::Hash128 key, Hot& hot, base::Time at) {
  if (hot.check <= at) return;
  hot.check = at;
  checks_.push({at, key});
}

void Grants::give_back(base::Hash128 key, Hot& hot, base::Time now, std::vector<Return>& out) {
  const base::Duration life = hot.law->grant_life();
  const bool idle = now - hot.last >= idle_after(life);
  for (Block& block : hot.blocks) {
    if (block.units == 0 || (!idle && block.until - now > old_before(life))) continue;
    if (hot.law->worth(block.units, now - block.sent) == 0) continue;
    out.push_back({key, hot.law, block.units, block.charged_us, hot.place});
    block.units = 0;
  }
}

std::vector<Grants::Return> Grants::due(base::Time now) {
  std::vector<Return> out;
  while (!checks_.empty() && checks_.top().at <= now) {
    const auto [at, key] = checks_.top();
    checks_.pop();
    const auto found = hot_.find(key);
    if (found == hot_.end() || found->second.check != at) continue;  // An earlier one was made.
    Hot& hot = found->second;
    const base::Duration life = hot.law->grant_life();
    hot.check = base::Time::max();
    hot.drop_dead(now);
    give_back(key, hot, now, out);
    base::Time next = hot.last + 2 * life;
    if (hot.units() == 0 && hot.outstanding == 0 && now >= next) {
      turns_.erase(hot.turn);
      hot_.erase(found);
      continue;
    }
    for (const Block& block : hot.blocks) {
      if (block.units > 0)
        next = std::min({next, hot.last + idle_after(life), block.until - old_before(life)});
    }
    watch(key, hot, std::max(next, now + life / 16));
  }
  return out;
}

std::optional<base::Time> Grants::next_due() const {
  if (checks_.empty()) return std::nullopt;
  return checks_.top().at;
}

void Grants::keep_if(const std::shared_ptr<const limiter::Limits>& limits, uint64_t freed) {
  freed_ = freed;
  if (limits_ == limits) return;
  hot_.clear();
  turns_.clear();
  cold_.clear();
  checks_ = {};
  limits_ = limits;
}

}  // namespace store

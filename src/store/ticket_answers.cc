// What the store has answered, and what is given back to it.
#include <algorithm>
#include <utility>

#include "io/loop.h"
#include "limiter/tree.h"
#include "store/ticket_body.h"

namespace store {

using limiter::Met;
using limiter::Obstacle;

namespace {

constexpr base::Duration kPollMin = std::chrono::milliseconds(5);
constexpr base::Duration kPollMax = std::chrono::milliseconds(200);
constexpr base::Duration kBlockLook = std::chrono::seconds(5);
constexpr base::Duration kRefusalMax = std::chrono::minutes(5);
constexpr size_t kPollsMax = 100'000;
constexpr uint64_t kBlocked = 0x626c6f636b6564;
constexpr std::string_view kStoreGone = "store gone";

bool blocked(const Round& round, size_t item) {
  return round.items[item].blocked_until > round.items[item].now;
}

}  // namespace

void Tickets::Body::answered(const Sent& sent, const Round& round) {
  in_flight -= sent.count;
  shared.in_flight.add(-static_cast<int64_t>(sent.count));
  const bool current = sent.epoch == epoch;
  const base::Time now = common.clock.now();
  Asked* const asked = current ? box.find(sent.key) : nullptr;
  if (asked != nullptr) asked->in_flight = 0;
  bool all = true;
  for (size_t i = 0; i < round.items.size(); ++i) {
    const Item& item = round.items[i];
    const bool failed = item.failed && round.wants_store;
    if (!failed && item.domains.first != nullptr)
      common.limits.count(item.domains.first->name(), round.answers[i]);
    if (item.failed && item.failed->code == base::Code::kUnknown) release_doubtful(round, i);
    if (!failed && item.known_domain && round.answers[i].allowed) {
      Ticket ticket = ticket_of(round, i, sent.keeps_answer);
      if (asked == nullptr) {
        if (round.limits != limits) keep_holds(ticket);
        give_back(std::move(ticket));
        continue;
      }
      box.put(sent.key, std::move(ticket));
      shared.kept.add(1);
      continue;
    }
    all = false;
    if (asked != nullptr) asked->refusal = refusal_of(round, i, sent);
  }
  if (asked == nullptr) return;
  asked->window = all ? std::min(asked->window * 2, options.together_max) : 1;
  box.look_again(sent.key, *asked, now + options.life);
  look_soon();
  shared.tell(options.shard, asked->state);
}

Ticket Tickets::Body::ticket_of(const Round& round, size_t number, bool keeps_answer) {
  Ticket ticket{.returns = {}, .until = common.clock.now() + options.life, .answer = nullptr};
  if (keeps_answer) ticket.answer = KeptAnswer::of(round, number);
  const Item& item = round.items[number];
  for (size_t h = item.span.hits; h < item.span.hits_end; ++h) {
    const Law* const law = round.laws[h];
    const Seen& seen = round.seen[h];
    const limiter::Hit& hit = round.gathered.hits[h];
    if (item.failed || law == nullptr || hit.cost == 0) continue;
    Change change{.what = law->holds() ? Change::What::kRelease : Change::What::kGiveBack,
                  .name = desk->state_name(*round.limits, round.gathered.met[round.met_of[h]]),
                  .key = hit.key,
                  .number = hit.law_number,
                  .law = law,
                  .n = hit.cost,
                  .x = seen.now,
                  .id = law->holds() ? round.hold_id : std::string()};
    if (round.taken(h)) {  // Of grants, which were charged before.
      for (const Grants::Block& block : round.local[h].taken) {
        if (block.units == 0) continue;
        change.n = block.units;
        change.x = block.charged_us;
        ticket.returns.push_back(change);
      }
    } else if (seen.allowed && seen.now != 0) {
      if (law->holds()) polls.erase(hit.key);
      if (!law->holds() || item.purpose == limiter::Purpose::kTake)
        ticket.returns.push_back(std::move(change));
    }
  }
  return ticket;
}

Refusal Tickets::Body::refusal_of(const Round& round, size_t number, const Sent& sent) {
  Refusal refusal;
  refusal.heard = common.clock.now();
  refusal.obstacle = obstacle_of(round, number, sent.key);
  refusal.until =
      refusal.heard + std::min<base::Duration>(refusal.obstacle.retry_after, kRefusalMax);
  if (sent.keeps_answer) refusal.answer = KeptAnswer::of(round, number);
  return refusal;
}

// What it waits at, and until when.
Obstacle Tickets::Body::obstacle_of(const Round& round, size_t number, base::Hash128 key) {
  const Item& item = round.items[number];
  const limiter::Answer& answer = round.answers[number];
  const auto met =
      std::span(round.gathered.met).subspan(item.span.met, item.span.met_end - item.span.met);
  Obstacle obstacle;
  obstacle.state = key;
  if (item.failed && round.wants_store) {
    const auto first = std::ranges::find_if(
        met, [](const Met& each) { return limiter::is_concurrency(*each.limit); });
    if (first != met.end()) obstacle.state = first->key;
    obstacle.limited_by = kStoreGone;
    obstacle.retry_after = std::max<base::Duration>(common.breaker.opens_at() - common.clock.now(),
                                                    common.options.breaker_min);
    return obstacle;
  }
  obstacle.retry_after = answer.numbers.retry_after;
  obstacle.limited_by =
      answer.decided_by == limiter::DecidedBy::kRefuse ? kStoreGone : answer.limited_by;
  if (blocked(round,
              number)) {  // Which descriptor is blocked is not told: a state of the ask's own.
    obstacle.state = base::salted(key, kBlocked);
    obstacle.retry_after = std::min(obstacle.retry_after, kBlockLook);
    return obstacle;
  }
  const Met* at = nullptr;
  base::Duration latest{-1};
  for (size_t m = 0; m < met.size() && m < answer.limits.size(); ++m) {
    const limit::Decision& decision = answer.limits[m].decision;
    if (met[m].limit->name.data() != answer.limited_by.data() || decision.allowed) continue;
    if (decision.retry_after <= latest) continue;
    latest = decision.retry_after;
    at = &met[m];
  }
  if (at == nullptr) return obstacle;
  obstacle.state = at->key;
  if (!limiter::is_concurrency(*at->limit)) return obstacle;
  // Who else frees a unit does not tell us.
  if (polls.size() >= kPollsMax) polls.clear();
  base::Duration& poll = polls[at->key];
  poll = std::clamp(poll * 2, kPollMin, kPollMax);
  obstacle.retry_after = std::min(obstacle.retry_after, poll);
  return obstacle;
}

// The call may have taken the hold though its answer is lost.
void Tickets::Body::release_doubtful(const Round& round, size_t number) {
  const Item& item = round.items[number];
  if (item.purpose != limiter::Purpose::kTake) return;
  for (size_t h = item.span.hits; h < item.span.hits_end; ++h) {
    const Law* const law = round.laws[h];
    if (law == nullptr || !law->holds()) continue;
    const limiter::Hit& hit = round.gathered.hits[h];
    holds.add(
        {.change = {.what = Change::What::kRelease,
                    .name = desk->state_name(*round.limits, round.gathered.met[round.met_of[h]]),
                    .key = hit.key,
                    .number = hit.law_number,
                    .law = law,
                    .id = round.hold_id},
         .until = {}});
  }
}

// ---- Giving back.

void Tickets::Body::give_back(Ticket&& ticket) {
  shared.returned.add();
  std::vector<Change> rates;
  for (Change& each : ticket.returns) {
    if (each.what == Change::What::kRelease) {
      holds.add({.change = std::move(each), .until = {}});
    } else {
      rates.push_back(std::move(each));
    }
  }
  if (rates.empty()) return;
  std::vector<base::Hash128> keys;
  for (const Change& each : rates) keys.push_back(each.key);
  settle(*line, common.store_time(), rates, common.clock.now() + common.options.deadline,
         [this, alive_too = alive, keys](base::Status&& status, std::vector<int64_t>&&) {
           if (!*alive_too || !status) return;
           common.freed.fetch_add(1, std::memory_order_relaxed);
           for (const base::Hash128 key : keys) shared.watchers.tell(key);
         });
}

void Tickets::Body::sweep() {
  box.sweep(common.clock.now(), [this](Ticket&& ticket) {
    shared.kept.add(-1);
    give_back(std::move(ticket));
  });
  look_soon();
}

void Tickets::Body::look_soon() {
  const auto at = box.next_check();
  if (at) sweeping->within(std::max<base::Duration>(*at - common.clock.now(), {}));
}

// ---- Looking.

// As last told; who was never asked for itself stands behind somebody who was.
limiter::Answer Tickets::Body::look(const limiter::Ask& ask) {
  limiter::Answer answer;
  answer.known_domain = gather(ask);
  if (!answer.known_domain) return answer;
  const Asked* const asked = box.find(key_of(ask, {.holds = false}));
  if (asked != nullptr && asked->refusal && asked->refusal->answer) {
    const base::Duration age = common.clock.now() - asked->refusal->heard;
    return asked->refusal->answer->told(ask, std::max(age, base::Duration{}), rows);
  }
  answer.allowed = false;
  answer.decided_by = limiter::DecidedBy::kStore;
  rows.clear();
  for (const Met& met : gathered.met) {
    limit::Decision refused;
    refused.allowed = false;
    rows.push_back({met.limit, met.descriptor, refused});
    if (!answer.matched) answer.limited_by = answer.nearest = met.limit->name;
    answer.matched = true;
  }
  answer.limits = rows;
  return answer;
}

}  // namespace store

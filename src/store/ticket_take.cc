// take(): what is known of an ask, or who is asked.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "io/loop.h"
#include "store/ticket_body.h"

namespace store {

using limiter::Ask;
using limiter::Met;
using limiter::Obstacle;
using limiter::TakeTerms;

namespace {

constexpr uint64_t kSeed = 0x7469636b657473;

void append(std::string& out, std::string_view text) {
  const auto size = static_cast<uint32_t>(text.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
}

Obstacle behind(base::Hash128 state, std::string_view name) {
  Obstacle obstacle{.state = state, .limited_by = std::string(name)};
  obstacle.taken_turn = true;
  return obstacle;
}

Obstacle awaited(const Asked& asked) {
  Obstacle obstacle{.state = asked.state, .limited_by = "store"};
  obstacle.asking = true;
  obstacle.sent_for = asked.in_flight;
  return obstacle;
}

}  // namespace

Tickets::Body::Body(Common::Body& common_of_process, TicketCommon& shared_by_process,
                    limiter::Limiter& limits_of_process, TicketOptions ticket_options)
    : common(common_of_process),
      shared(shared_by_process),
      local(limits_of_process),
      options(std::move(ticket_options)),
      seed(kSeed ^ common.options.seed),
      holds(common, shared) {}

Tickets::Body::~Body() {
  *alive = false;
  shared.in_flight.add(-static_cast<int64_t>(in_flight));
  shared.kept.add(-static_cast<int64_t>(box.kept()));
}

void Tickets::Body::begin(io::Loop& loop, Desk& desk_of_store, Line& line_of_store) {
  desk = &desk_of_store;
  line = &line_of_store;
  sweeping.emplace(loop.poll(), [this] { sweep(); });
  holds.begin(loop, line_of_store);
  for (const Early& each : std::exchange(early, {})) {
    change_holds({.domain = each.domain, .descriptors = each.descriptors->get()}, each.hold_id,
                 each.until);
  }
}

void Tickets::Body::end() {
  ++epoch;
  used.reset();
  shared.kept.add(-static_cast<int64_t>(box.kept()));
  for (Ticket& ticket : box.empty()) give_back(std::move(ticket));
  if (desk != nullptr) holds.flush();
}

// ---- What an ask meets.

bool Tickets::Body::gather(const Ask& ask) {
  auto in_force = common.limits.limits();
  if (in_force != limits) limits_changed(std::move(in_force));
  gathered.clear();
  const Ask first{.domain = ask.domain, .descriptors = ask.descriptors, .cost = ask.cost};
  const limiter::Domains domains = limiter::find(*limits, first);
  if (limiter::unknown(domains, first)) return false;
  limiter::gather(common.keys, domains, first, false, gathered);
  return true;
}

// The units were charged for limits that may be others now: they are not given back, and what was
// refused may be allowed.
void Tickets::Body::limits_changed(std::shared_ptr<const limiter::Limits> now_in_force) {
  limits = std::move(now_in_force);
  ++epoch;
  used.reset();
  polls.clear();
  shared.kept.add(-static_cast<int64_t>(box.kept()));
  for (Ticket& ticket : box.empty()) {
    keep_holds(ticket);
    give_back(std::move(ticket));
  }
}

bool Tickets::Body::meets_holds() const {
  return std::ranges::any_of(gathered.hits, [](const limiter::Hit& hit) {
    return std::holds_alternative<limit::Concurrency>(*hit.law);
  });
}

// Units of rates are anybody's who asks the same; a hold is one message's.
base::Hash128 Tickets::Body::key_of(const Ask& ask, const TakeTerms& terms) {
  text.clear();
  append(text, ask.domain);
  for (const limiter::Descriptor descriptor : ask.descriptors) {
    append(text, {});
    for (const limiter::Entry& entry : descriptor) {
      append(text, entry.key);
      append(text, entry.value);
    }
  }
  const uint64_t whose = terms.holds && meets_holds() ? terms.hold_id : 0;
  const uint64_t numbers[] = {static_cast<uint64_t>(ask.cost), whose};
  text.append(reinterpret_cast<const char*>(numbers), sizeof numbers);
  return base::hash128(text, seed);
}

// ---- Taking.

Tickets::Body::Taken Tickets::Body::take(const Ask& ask, const TakeTerms& terms, base::Time now,
                                         limiter::Answer* answer) {
  CHECK(desk != nullptr && !ask.dry_run && (!terms.holds || terms.hold_id != 0));
  used.reset();
  if (!gather(ask)) {
    if (answer != nullptr) answer->known_domain = false;
    return unknown_domain(ask.domain);
  }
  const base::Hash128 key = key_of(ask, terms);
  if (Asked* const asked = box.find(key)) {
    if (!asked->tickets.empty()) return use(*asked, key, ask, terms, now, answer);
    if (auto obstacle = known(*asked, ask, terms, now, answer)) return obstacle;
  }
  if (terms.queued != nullptr) {
    if (auto turn = taken_turn(terms)) return turn;
  }
  if (!ask.also_domain.empty()) {  // What stands in the way here needs no ticket yet.
    Ask dry = also_of(ask);
    dry.dry_run = true;
    Taken here = local.take(dry, terms, now);
    if (!here || *here) return here;
  }
  return send_for(key, ask, terms);
}

std::optional<Obstacle> Tickets::Body::use(Asked& asked, base::Hash128 key, const Ask& ask,
                                           const TakeTerms& terms, base::Time now,
                                           limiter::Answer* answer) {
  if (!ask.also_domain.empty()) {
    Taken here = local.take(also_of(ask), terms, now);
    if (here && *here) return *std::move(here);  // The ticket is kept, for its life.
  }
  used = Used{key, box.use(asked)};
  shared.kept.add(-1);
  shared.used.add();
  if (answer != nullptr && used->ticket.answer) *answer = used->ticket.answer->told(ask, {}, rows);
  return std::nullopt;
}

// As take(), but nobody waits; a ticket is there or not when it is taken.
uint64_t Tickets::Body::expect(const Ask& ask, const TakeTerms& terms, base::Time now) {
  if (!gather(ask)) return 0;
  const base::Hash128 key = key_of(ask, terms);
  const Asked* const asked = box.find(key);
  if (asked != nullptr && (!asked->tickets.empty() || asked->in_flight > 0 ||
                           (asked->refusal && asked->refusal->until > now)))
    return 0;
  if (!ask.also_domain.empty()) {
    Ask dry = also_of(ask);
    dry.dry_run = true;
    const Taken here = local.take(dry, terms, now);
    if (!here || *here) return 0;
  }
  const uint64_t sent = send_for(key, ask, terms).sent_for;
  box.at(key).expected = true;
  return sent;
}

// Nothing: it is to be asked.
std::optional<Obstacle> Tickets::Body::known(Asked& asked, const Ask& ask, const TakeTerms& terms,
                                             base::Time now, limiter::Answer* answer) {
  if (asked.in_flight > 0) {
    if (std::exchange(asked.expected, false) && terms.waits_at) {
      asked.own_state = false;
      asked.state = *terms.waits_at;
    }
    const bool same = terms.waits_at ? *terms.waits_at == asked.state : asked.own_state;
    return same ? awaited(asked) : behind(asked.state, "store");
  }
  if (!asked.refusal) return std::nullopt;
  Refusal& refusal = *asked.refusal;
  if (now >= refusal.until || now > refusal.given) return std::nullopt;
  refusal.given = now;
  if (answer != nullptr && refusal.answer)
    *answer = refusal.answer->told(ask, std::max(now - refusal.heard, base::Duration{}), rows);
  Obstacle obstacle = refusal.obstacle;
  if (obstacle.retry_after != limit::kNever)
    obstacle.retry_after = std::min(refusal.until - now, obstacle.retry_after);
  return obstacle;
}

// Somebody else waits at one of the states, so this ask waits behind.
std::optional<Obstacle> Tickets::Body::taken_turn(const TakeTerms& terms) const {
  for (const Met& met : gathered.met) {
    const limiter::LimitSpec& spec = met.limit->spec;
    if (met.hit == Met::kNoHit || spec.shadow || spec.quota || !(*terms.queued)(met.key)) continue;
    return behind(met.key, met.limit->name);
  }
  return std::nullopt;
}

Obstacle Tickets::Body::send_for(base::Hash128 key, const Ask& ask, const TakeTerms& terms) {
  const bool takes = terms.holds && meets_holds();
  Asked& asked = box.at(key);
  asked.refusal.reset();
  asked.expected = false;
  asked.own_state = !terms.waits_at;
  asked.state = terms.waits_at.value_or(base::salted(key, options.shard + 1));
  const uint64_t most = std::min(asked.window, options.together_max);
  asked.in_flight = takes ? 1 : std::clamp<uint64_t>(terms.wanted, 1, most);

  std::unique_ptr<Round> round = desk->round();
  const Ask first{.domain = ask.domain, .descriptors = ask.descriptors, .cost = ask.cost};
  for (uint64_t i = 0; i < asked.in_flight; ++i) {
    desk->add(*round, first, takes ? limiter::Purpose::kTake : limiter::Purpose::kCharge);
  }
  if (takes) {
    round->hold_id = hold_name(terms.hold_id);
    // The lease begins when the ticket is used.
    round->hold_ttl = terms.ttl + options.life + common.options.deadline;
    round->wants_store = std::ranges::any_of(gathered.met, [](const Met& met) {
      return limiter::is_concurrency(*met.limit) && !met.limit->spec.shadow &&
             met.limit->spec.when_gone != limiter::WhenGone::kAllow;
    });
  }
  const Sent sent{key, asked.in_flight, epoch, !terms.holds};
  in_flight += sent.count;
  shared.in_flight.add(static_cast<int64_t>(sent.count));
  shared.asked.add(sent.count);
  round->done = [this, alive_too = alive, sent](Round& decided) {
    if (*alive_too) answered(sent, decided);
  };
  desk->start(std::move(round));
  return awaited(asked);
}

void Tickets::Body::put_back(base::Time now) {
  if (!used) return;
  Used back = std::move(*used);
  used.reset();
  if (back.ticket.until <= now) return give_back(std::move(back.ticket));
  box.put(back.key, std::move(back.ticket));
  shared.kept.add(1);
  look_soon();
}

// ---- Holds.

std::string Tickets::Body::hold_name(uint64_t hold_id) const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string name = options.name + '.';
  for (int shift = 60; shift >= 0; shift -= 4) name += kDigits[hold_id >> shift & 15];
  return name;
}

void Tickets::Body::change_holds(const Ask& ask, uint64_t hold_id,
                                 std::optional<base::Time> until) {
  if (desk == nullptr) {
    early.push_back({std::string(ask.domain),
                     std::make_unique<limiter::DescriptorCopy>(ask.descriptors), hold_id, until});
    return;
  }
  if (!gather(ask)) return;
  for (const Met& met : gathered.met) {
    if (met.hit == Met::kNoHit || !limiter::is_concurrency(*met.limit)) continue;
    const limiter::Hit& hit = gathered.hits[met.hit];
    const Law* const law = desk->law_of(hit);
    if (law == nullptr) continue;
    Change change{.what = until ? Change::What::kRenew : Change::What::kRelease,
                  .name = desk->state_name(*limits, met),
                  .key = hit.key,
                  .number = hit.law_number,
                  .law = law,
                  .id = hold_name(hold_id)};
    holds.add({std::move(change), until.value_or(base::Time{})});
  }
}

}  // namespace store

#include "store/desk.h"

#include <algorithm>
#include <utility>

#include "io/loop.h"
#include "limiter/tree.h"
#include "limiter/verdict.h"

namespace store {
namespace {

using limiter::Descriptor;
using limiter::Hit;
using limiter::Limits;
using limiter::Met;
using limiter::Purpose;

constexpr uint8_t kAttemptsMax = 3;

base::Error in_doubt(std::string what) { return {base::Code::kUnknown, std::move(what), {}}; }

}  // namespace

Desk::Desk(io::Loop& loop, Common::Body& common, Line& line)
    : common_(common),
      line_(line),
      grant_calls_(loop, common, line,
                   [this](const Grants::Request& request, std::optional<Grants::Granted> granted,
                          bool blocks) {
                     const base::Time now = common_.clock.now();
                     grants_.answered(request, granted, now);
                     // Who asks strictly now learns what the flag says.
                     if (blocks)
                       expect_blocks(request.place.domain, now + request.law->grant_life());
                     tend_grants();
                   }),
      tending_(loop.poll(), [this] { tend_grants(); }),
      flush_(loop.poll(), [this] { flush(); }),
      deliver_(loop.poll(), [this] { deliver(); }) {
  common_.desks.fetch_add(1, std::memory_order_relaxed);
}

Desk::~Desk() {
  *alive_ = false;
  tending_.stop();
  common_.desks.fetch_sub(1, std::memory_order_relaxed);
}

std::unique_ptr<Round> Desk::round() {
  auto round = std::make_unique<Round>();
  round->limits = common_.limits.limits();
  round->deadline = common_.clock.now() + common_.options.deadline;
  return round;
}

void Desk::add(Round& round, const limiter::Ask& ask, Purpose purpose) {
  Item& item = round.items.emplace_back();
  item.cost = ask.cost;
  item.purpose = purpose;
  item.domains = limiter::find(*round.limits, ask);
  item.known_domain = !limiter::unknown(item.domains, ask);
  item.span = round.gathered.nothing();
  if (!item.known_domain) return;
  limiter::Ask kept = ask;
  kept.descriptors = round.descriptors.emplace_back(ask.descriptors).get();
  if (!ask.also_domain.empty()) kept.also = round.descriptors.emplace_back(ask.also).get();
  item.descriptors = kept.descriptors;
  if (item.domains.also != nullptr) item.also = kept.also;
  item.span = limiter::gather(common_.keys, item.domains, kept, false, round.gathered);
  finish_add(round, item);
}

void Desk::add_row(Round& round, const Limits::Domain& domain, Descriptor descriptor,
                   const limiter::Limit* limit) {
  Item& item = round.items.emplace_back();
  item.purpose = Purpose::kPeek;
  item.domains.first = &domain;
  item.descriptors = round.descriptors.emplace_back(std::span(&descriptor, 1)).get();
  item.span = round.gathered.nothing();
  if (limit != nullptr) {
    limiter::Gathered& gathered = round.gathered;
    Limits::match(domain, descriptor, text_);
    Met met{limit, item.descriptors.front(),
            base::salted(common_.keys.of_limits(text_), limit->salt)};
    if (limit->spec.law) {
      met.hit = static_cast<uint32_t>(gathered.hits.size());
      gathered.hits.push_back(
          {.key = met.key, .law = &*limit->spec.law, .law_number = limit->law_number});
    }
    gathered.met.push_back(met);
    item.span.met_end = static_cast<uint32_t>(gathered.met.size());
    item.span.hits_end = static_cast<uint32_t>(gathered.hits.size());
  }
  finish_add(round, item);
}

void Desk::finish_add(Round& round, Item& item) {
  for (size_t h = item.span.hits; h < item.span.hits_end; ++h) {
    round.met_of.push_back(Met::kNoHit);
    round.laws.push_back(law_of(round.gathered.hits[h]));
    if (round.laws.back() == nullptr)
      item.failed = base::invalid("a limit's numbers do not fit a store", "rate");
  }
  if (item.span.hits_end - item.span.hits > Frame::kLawsMax)
    item.failed = base::invalid("the ask meets too many limits", "descriptors");
  for (uint32_t m = item.span.met; m < item.span.met_end; ++m) {
    const uint32_t hit = round.gathered.met[m].hit;
    if (hit != Met::kNoHit && round.met_of[hit] == Met::kNoHit) round.met_of[hit] = m;
  }
}

void Desk::start(std::unique_ptr<Round> owned) {
  Round& round = *owned;
  rounds_.emplace(&round, std::move(owned));
  round.seen.resize(round.gathered.hits.size());
  round.decisions.resize(round.gathered.hits.size());
  round.rows.resize(round.gathered.met.size());
  round.answers.resize(round.items.size());
  round.left = round.items.size() + 1;
  const uint64_t freed = common_.freed.load(std::memory_order_relaxed);
  remembered_.keep_if(freed);
  grants_.keep_if(round.limits, freed);
  const base::Time now = common_.clock.now();
  const bool closed = common_.breaker.would_enter(now);
  for (uint32_t i = 0; i < round.items.size(); ++i) {
    Item& item = round.items[i];
    if (!item.known_domain) {
      round.answers[i].known_domain = false;
      complete(round);
      continue;
    }
    if (take_local(round, i)) {
      complete(round);
      continue;
    }
    if (item.purpose == Purpose::kCharge && !round.wants_store &&
        remembered_.answers(round, item, common_.ticking(), round.answers[i])) {
      put_back(round, item);
      common_.remembered.add();
      complete(round);
      continue;
    }
    if (!closed && !item.failed)
      item.failed = base::Error{base::Code::kIo, "the store is gone", {}};
    if (item.failed || !ask(round, i)) finish(round, i);
  }
  complete(round);
  if (!finished_.empty()) deliver_.ask();
}

// ---- Where things are.

const Law* Desk::law_of(const Hit& hit) {
  const auto [found, added] = laws_.try_emplace(hit.law_number);
  if (added) {
    if (auto law = Law::make(*hit.law)) found->second = *std::move(law);
  }
  return found->second ? &*found->second : nullptr;
}

Desk::DomainPlace& Desk::place_of(const std::string& domain) {
  const auto [found, added] = places_.try_emplace(domain);
  DomainPlace& place = found->second;
  if (added) {
    place.tag = KeyNames::tag_of_domain(domain);
    place.place = line_.place_of(common_.names.flag(place.tag));
  }
  return place;
}

std::string Desk::tag_of(const Limits::Domain& domain) { return place_of(domain.name()).tag; }

std::string Desk::state_name(const Limits& limits, const Met& met) {
  Limits::match(*limits.find(met.limit->domain), met.descriptor, text_);
  const std::string tag = common_.names.placement() == Placement::kDomain
                              ? place_of(met.limit->domain).tag
                              : KeyNames::tag_of_text(text_);
  return common_.names.state(tag, text_, met.limit->salt);
}

std::string Desk::block_name(const Limits::Domain& domain, Descriptor descriptor) {
  domain.block_text(descriptor, text_);
  const std::string tag = common_.names.placement() == Placement::kDomain
                              ? place_of(domain.name()).tag
                              : KeyNames::tag_of_text(text_);
  return common_.names.block(tag, text_);
}

void Desk::expect_blocks(const std::string& domain, base::Time until) {
  DomainPlace& place = place_of(domain);
  place.blocks_until = std::max(place.blocks_until, until);
}

// ---- Putting together.

void Desk::on_answer(OpenCall& call, const std::string& bytes, int64_t now) {
  constexpr size_t kNumber = sizeof(double), kHit = 1 + 3 * kNumber;
  const size_t fronts = call.frame.flags() + call.frame.blocks();
  if (bytes.size() != fronts * kNumber + call.hits * kHit)
    return fail(call, in_doubt("the store answered something else"));
  std::vector<int64_t> ends(fronts);
  for (size_t i = 0; i < fronts; ++i) ends[i] = number_at(bytes, i * kNumber);
  for (size_t i = 0; i < call.flags.size(); ++i) {
    if (ends[i] > now) expect_blocks(call.flags[i], common_.clock.now() + from_us(ends[i] - now));
  }
  std::string_view hits = std::string_view(bytes).substr(fronts * kNumber);
  for (Part& part : call.parts) {
    read(call, part, hits, ends, now);
    end_part(std::move(part));
  }
}

void Desk::read(OpenCall& call, Part& part, std::string_view& hits,
                const std::vector<int64_t>& ends, int64_t now) {
  Round& round = *part.round;
  Item& item = round.items[part.item];
  bool flagged = false;
  for (size_t i = 0; i < call.frame.flags(); ++i) flagged |= ends[i] > now;
  item.again |= flagged;
  item.now = std::max(item.now, now);
  bool blocked = false;
  for (const uint16_t block : part.blocks) {
    const int64_t until = ends[call.frame.flags() + block - 1];
    blocked |= until > now;
    item.blocked_until = std::max(item.blocked_until, until);
  }
  part.charged = !flagged && !blocked && item.purpose != Purpose::kPeek;
  for (const uint32_t h : part.hits) {
    const auto code = static_cast<uint8_t>(hits[0]);
    round.seen[h] = {.allowed = code == 1,
                     .unknown = code == 2,
                     .a = number_at(hits, 1),
                     .b = number_at(hits, 9),
                     .c = number_at(hits, 17),
                     .now = now};
    hits.remove_prefix(25);
    const Met& met = round.gathered.met[round.met_of[h]];
    const bool may_refuse = !round.gathered.hits[h].shadow && !met.limit->spec.quota;
    if (code == 2) {
      item.again = true;
      item.about = base::time_from(round.seen[h].a * 1000);
      part.charged = false;
    } else if (code == 0 && may_refuse) {
      part.charged = false;
    }
  }
}

void Desk::fail(OpenCall& call, const base::Error& error) {
  for (Part& part : call.parts) {
    Item& item = part.round->items[part.item];
    if (!item.failed || error.code == base::Code::kUnknown) item.failed = error;
    end_part(std::move(part));
  }
}

void Desk::end_part(Part&& part) {
  Round& round = *part.round;
  const uint32_t i = part.item;
  Item& item = round.items[i];
  if (!item.single) item.parts.push_back(std::move(part));
  if (--item.parts_left == 0) finish(round, i);
}

void Desk::finish(Round& round, uint32_t i) {
  Item& item = round.items[i];
  if (item.again && !item.failed) {
    undo(round, item);
    if (++item.attempts < kAttemptsMax && ask(round, i)) return;
    if (!item.failed) item.failed = in_doubt("blocks or windows change too fast");
  }
  if (item.failed) {
    undo(round, item);
    put_back(round, item);
    go_without(round, i);
    return complete(round);
  }
  limiter::Answer& answer = round.answers[i];
  conclude(round, item, 0, item.purpose != Purpose::kPeek, answer);
  if (answer.allowed) {
    if (item.purpose != Purpose::kPeek) remembered_.charged(round, item);
  } else {
    undo(round, item);
    if (item.purpose == Purpose::kCharge && item.blocked_until <= item.now)
      remembered_.put(round, item, answer.numbers.retry_after, common_.ticking());
    put_back(round, item);
  }
  complete(round);
}

// What is not charged in all places is given back where it was. Once: a give-back that is lost is
// lost, which refuses more than it must and admits nothing.
void Desk::undo(Round& round, Item& item) {
  std::vector<Change> changes;
  for (const Part& part : std::exchange(item.parts, {})) {
    if (!part.charged) continue;
    common_.given_back.add();
    for (const uint32_t h : part.hits) {
      const Hit& hit = round.gathered.hits[h];
      const Law* const law = round.laws[h];
      const bool taken = round.seen[h].allowed && (!law->holds() || item.purpose == Purpose::kTake);
      if (!taken || hit.cost == 0) continue;
      Change change{.what = law->holds() ? Change::What::kRelease : Change::What::kGiveBack,
                    .name = state_name(*round.limits, round.gathered.met[round.met_of[h]]),
                    .key = hit.key,
                    .number = hit.law_number,
                    .law = law,
                    .n = hit.cost,
                    .x = round.seen[h].now,
                    .id = law->holds() ? round.hold_id : std::string()};
      changes.push_back(std::move(change));
    }
  }
  if (changes.empty()) return;
  settle(line_, common_.store_time(), changes, common_.clock.now() + common_.options.deadline,
         [](base::Status&&, std::vector<int64_t>&&) {});
}

void Desk::go_without(Round& round, uint32_t i) {
  if (round.wants_store) return;
  Item& item = round.items[i];
  const base::Time now = common_.clock.now();
  const base::Duration retry =
      std::max<base::Duration>(common_.breaker.opens_at() - now, common_.options.breaker_min);
  common_.gone.decide(
      round.gathered, item.span,
      {.now = now,
       .instances = common_.instances(),
       .retry = retry,
       .peek = item.purpose == Purpose::kPeek},
      std::span(round.rows).subspan(item.span.met, item.span.met_end - item.span.met),
      round.answers[i]);
}

void Desk::complete(Round& round) {
  if (--round.left > 0) return;
  for (size_t i = 0; i < round.items.size(); ++i) {
    if (round.wants_store || !round.items[i].known_domain) continue;
    common_.decisions[static_cast<size_t>(round.answers[i].decided_by)].add();
  }
  const auto found = rounds_.find(&round);
  finished_.push_back(std::move(found->second));
  rounds_.erase(found);
}

void Desk::deliver() {
  const std::shared_ptr<bool> alive = alive_;
  for (const std::unique_ptr<Round>& round : std::exchange(finished_, {})) {
    if (*alive) round->done(*round);
  }
}

}  // namespace store

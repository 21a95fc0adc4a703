// How asks are taken apart into calls.
#include <algorithm>
#include <utility>

#include "store/desk.h"
#include "store/script.h"

namespace store {
namespace {

using limiter::Descriptor;
using limiter::Hit;
using limiter::Limits;
using limiter::Met;
using limiter::Purpose;

// A call holds up all others of its node: about a third of a millisecond.
constexpr size_t kHitsOfCallMax = 128;

// Of a hit, for the script.
enum Bits : uint8_t { kShadow = 1, kQuota = 2, kCharge = 4, kTake = 8, kLast = 32 };

uint8_t bits_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::kPeek:
      return 0;
    case Purpose::kCharge:
      return kCharge;
    case Purpose::kTake:
      break;
  }
  return kCharge | kTake;
}

}  // namespace

Desk::Taking& Desk::taking_at(std::vector<Taking>& all, uint16_t place) {
  for (Taking& each : all) {
    if (each.place == place) return each;
  }
  all.emplace_back().place = place;
  return all.back();
}

void Desk::take_blocks(const Limits::Domain& domain, std::span<const Descriptor> descriptors,
                       std::vector<Taking>& all) {
  if (common_.names.placement() == Placement::kDomain) {
    DomainPlace& place = place_of(domain.name());
    Taking& taking = taking_at(all, place.place);
    if (place.blocks_until <= common_.clock.now()) {
      taking.flags.push_back(&domain.name());
      return;
    }
  }
  for (const Descriptor descriptor : descriptors) {
    std::string name = block_name(domain, descriptor);
    taking_at(all, line_.place_of(name)).blocks.push_back(std::move(name));
  }
}

void Desk::take_apart(Round& round, Item& item, std::vector<Taking>& all) {
  const bool by_domain = common_.names.placement() == Placement::kDomain;
  const bool one_place = common_.options.redis.layout != redis::Layout::kCluster;
  for (uint32_t h = item.span.hits; h < item.span.hits_end; ++h) {
    if (round.taken(h)) continue;
    const Met& met = round.gathered.met[round.met_of[h]];
    const uint16_t place = one_place   ? uint16_t{0}
                           : by_domain ? place_of(met.limit->domain).place
                                       : line_.place_of(state_name(*round.limits, met));
    taking_at(all, place).hits.push_back(h);
  }
  if (item.domains.first != nullptr) take_blocks(*item.domains.first, item.descriptors, all);
  if (item.domains.also != nullptr) take_blocks(*item.domains.also, item.also, all);
}

bool Desk::ask(Round& round, uint32_t i) {
  Item& item = round.items[i];
  std::vector<Taking> all;
  take_apart(round, item, all);
  if (all.empty() || all.size() > 255) {
    item.failed = base::invalid("the ask is in too many places", "descriptors");
    return false;
  }
  item.again = false;
  item.blocked_until = 0;
  item.parts.clear();
  item.single = all.size() == 1;
  item.parts_left = static_cast<uint8_t>(all.size());
  for (Taking& taking : all) put(round, i, std::move(taking), item.single);
  return true;
}

Desk::OpenCall& Desk::open_call(uint16_t place, const Round& round, size_t more_hits) {
  for (size_t i = 0; i < open_.size(); ++i) {
    OpenCall& call = *open_[i];
    if (call.place != place) continue;
    if (std::max(call.hits + more_hits, call.parts.size()) < kHitsOfCallMax &&
        call.frame.has_room(more_hits))
      return call;
    std::unique_ptr<OpenCall> full = std::move(open_[i]);
    open_.erase(open_.begin() + static_cast<ptrdiff_t>(i));
    send(std::move(full));
    break;
  }
  if (open_.empty()) flush_.ask();
  open_.push_back(std::make_unique<OpenCall>());
  open_.back()->place = place;
  open_.back()->deadline = round.deadline;
  return *open_.back();
}

void Desk::put(Round& round, uint32_t i, Taking&& taking, bool single) {
  Item& item = round.items[i];
  const bool own = item.about != base::Time{};  // Others name another window of the calendar.
  std::unique_ptr<OpenCall> alone;
  if (own) {
    alone = std::make_unique<OpenCall>();
    alone->deadline = round.deadline;
  }
  OpenCall& call = own ? *alone : open_call(taking.place, round, taking.hits.size());
  Part& part = call.parts.emplace_back(Part{.round = &round, .item = i});
  for (const std::string* const flag : taking.flags) {
    call.frame.flag(common_.names.flag(place_of(*flag).tag));
    if (std::ranges::find(call.flags, *flag) == call.flags.end()) call.flags.push_back(*flag);
  }
  for (const std::string& block : taking.blocks) part.blocks.push_back(call.frame.block(block));

  const base::Time about = own ? item.about : common_.store_time();
  const uint8_t purpose = bits_of(item.purpose);
  const auto put_head = [&](uint16_t state, uint8_t bits, bool first) {
    put_short(call.rest, state);
    put_byte(call.rest, bits);
    put_byte(call.rest, first ? static_cast<uint8_t>(part.blocks.size()) : uint8_t{0});
  };
  const auto put_blocks = [&] {
    for (const uint16_t block : part.blocks) put_short(call.rest, block);
  };
  if (taking.hits.empty()) {
    put_head(0, static_cast<uint8_t>(purpose | kLast), true);
    put_number(call.rest, 0);
    put_blocks();
  }
  for (size_t n = 0; n < taking.hits.size(); ++n) {
    const uint32_t h = taking.hits[n];
    const Hit& hit = round.gathered.hits[h];
    const Met& met = round.gathered.met[round.met_of[h]];
    const uint16_t state = call.frame.state(hit.key, hit.law_number, *round.laws[h], about,
                                            [&] { return state_name(*round.limits, met); });
    uint8_t bits = purpose;
    if (hit.shadow || (met.limit->spec.quota && !single)) {
      bits |= kShadow;
    } else if (met.limit->spec.quota) {
      bits |= kQuota;
    }
    if (n + 1 == taking.hits.size()) bits |= kLast;
    put_head(state, bits, n == 0);
    put_number(call.rest, std::min(hit.cost, kExact));
    if (n == 0) put_blocks();
  }
  if (item.purpose == Purpose::kTake) {
    call.extra.push_back(round.hold_id);
    call.extra.push_back(std::to_string(whole_us(round.hold_ttl)));
  }
  call.hits += taking.hits.size();
  call.deadline = std::min(call.deadline, round.deadline);
  part.hits = std::move(taking.hits);
  if (own) send(std::move(alone));
}

void Desk::flush() {
  for (std::unique_ptr<OpenCall>& call : std::exchange(open_, {})) send(std::move(call));
}

void Desk::send(std::unique_ptr<OpenCall> owned) {
  // Shared: a std::function must be copyable.
  const std::shared_ptr<OpenCall> call = std::move(owned);
  common_.batch.record(static_cast<int64_t>(call->parts.size()));
  line_.run(decide_script(), call->frame, call->rest, call->extra, call->deadline,
            [this, call](base::Result<std::string>&& bytes, int64_t now) {
              if (bytes) {
                on_answer(*call, *bytes, now);
              } else {
                fail(*call, bytes.error());
              }
              deliver();
            });
}

}  // namespace store

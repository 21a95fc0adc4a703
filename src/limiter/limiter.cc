#include "limiter/limiter.h"

#include <algorithm>
#include <utility>

#include "limiter/batch.h"
#include "limiter/state.h"

namespace limiter {

namespace {

// So many asks are prefetched together: their states stay in the first cache until they are used.
constexpr size_t kWindow = 32;

constexpr size_t kSweepSegments = 16;   // A tick's share of the table.
constexpr size_t kEndedEachShard = 64;  // A tick's share of what is over.

class Deciding {
 public:
  Deciding(LimiterState& limiter, BatchState& batch, base::Time now)
      : limiter_(limiter), batch_(batch), now_(now) {}

  void run() {
    const size_t n = batch_.items.size();
    gather_all();
    batch_.decisions.resize(batch_.gathered.hits.size());
    batch_.rows.resize(batch_.gathered.met.size());
    batch_.answers.clear();
    batch_.answers.resize(n);
    for (size_t i = 0; i < n; i += kWindow) {
      const size_t end = std::min(n, i + kWindow);
      prefetch(batch_.items[i].span, batch_.items[end - 1].span);
      for (size_t j = i; j < end; ++j) decide(batch_.items[j], batch_.answers[j]);
    }
  }

 private:
  void gather_all() {
    batch_.gathered.clear();
    const bool with_blocks = limiter_.table.any_blocks();
    for (BatchState::Item& item : batch_.items) {
      if (item.law != BatchState::kNoLaw) {
        gather_throttle(item);
      } else {
        item.domains = domains_of(item.ask);
        item.span = unknown(item.domains, item.ask) ? batch_.gathered.nothing()
                                                    : gather(limiter_.keys, item.domains, item.ask,
                                                             with_blocks, batch_.gathered);
      }
    }
  }

  // Asks of one batch mostly name one domain.
  Domains domains_of(const Ask& ask) {
    if (!ask.also_domain.empty()) return limiter_.find(*batch_.published, ask);
    if (last_domain_ == nullptr || last_domain_->name() != ask.domain)
      last_domain_ = limiter_.find(*batch_.published, ask).first;
    return {.first = last_domain_};
  }

  void gather_throttle(BatchState::Item& item) {
    item.span = batch_.gathered.nothing();
    batch_.gathered.hits.push_back({.key = limiter_.keys.of_throttle(item.throttle_key),
                                    .law = &batch_.laws[item.law],
                                    .cost = item.ask.cost});
    ++item.span.hits_end;
  }

  void prefetch(const GatheredSpan& first, const GatheredSpan& last) const {
    const Gathered& gathered = batch_.gathered;
    for (size_t i = first.hits; i < last.hits_end; ++i)
      limiter_.table.prefetch_segment(gathered.hits[i].key);
    for (size_t i = first.blocks; i < last.blocks_end; ++i)
      limiter_.table.prefetch_segment(gathered.blocks[i]);
    for (size_t i = first.hits; i < last.hits_end; ++i)
      limiter_.table.prefetch_slot(gathered.hits[i].key);
    for (size_t i = first.blocks; i < last.blocks_end; ++i)
      limiter_.table.prefetch_slot(gathered.blocks[i]);
  }

  void decide(const BatchState::Item& item, Answer& answer) {
    if (item.law != BatchState::kNoLaw) {
      decide_throttle(item, answer);
    } else if (unknown(item.domains, item.ask)) {
      answer.known_domain = false;
    } else {
      decide_limits(item, answer);
    }
  }

  void decide_throttle(const BatchState::Item& item, Answer& answer) {
    const size_t hit = item.span.hits;
    answer.matched = true;
    answer.allowed = limiter_.table.decide({&batch_.gathered.hits[hit], 1}, now_, Purpose::kCharge,
                                           {&answer.numbers, 1});
    tally_.count(limiter_.throttle, answer.allowed ? Outcome::kAllowed : Outcome::kLimited);
  }

  void decide_limits(const BatchState::Item& item, Answer& answer) {
    const GatheredSpan& span = item.span;
    const Terms terms{.now = now_, .purpose = item.ask.dry_run ? Purpose::kPeek : Purpose::kCharge};
    const Outcome outcome =
        decide_ask(limiter_.table, limiter_.watchers, batch_.gathered, span, terms,
                   std::span(batch_.decisions).subspan(span.hits, span.hits_end - span.hits),
                   std::span(batch_.rows).subspan(span.met, span.met_end - span.met), answer);
    const Limits::Domain* const counting = item.domains.counting();
    if (!item.ask.dry_run && counting != nullptr)
      tally_.count(*batch_.published->counters[counting->number()], outcome);
  }

  LimiterState& limiter_;
  BatchState& batch_;
  const base::Time now_;
  const Limits::Domain* last_domain_ = nullptr;
  Tally tally_;
};

}  // namespace

std::string_view to_string(DecidedBy by) {
  static constexpr std::string_view kNames[] = {"memory", "store", "grant",
                                                "refuse", "allow", "local"};
  return kNames[static_cast<size_t>(by)];
}

base::Status validate(Descriptor descriptor) {
  if (descriptor.empty() || descriptor.size() > kEntriesMax) {
    return base::invalid(
        "a descriptor must have between 1 and " + std::to_string(kEntriesMax) + " entries",
        "descriptors");
  }
  for (const Entry& entry : descriptor) {
    if (entry.key.empty())
      return base::invalid("a descriptor's key must not be empty", "descriptors");
  }
  return {};
}

namespace {

base::Status validate(std::span<const Descriptor> descriptors) {
  if (descriptors.empty() || descriptors.size() > kDescriptorsMax) {
    return base::invalid(
        "there must be between 1 and " + std::to_string(kDescriptorsMax) + " descriptors",
        "descriptors");
  }
  for (const Descriptor descriptor : descriptors) {
    if (auto valid = validate(descriptor); !valid) return valid;
  }
  return {};
}

}  // namespace

base::Status validate(const Ask& ask) {
  const bool only_also = ask.domain.empty() && !ask.also_domain.empty();
  if (!only_also || !ask.descriptors.empty()) {
    if (auto valid = validate(ask.descriptors); !valid) return valid;
  }
  if (!ask.also_domain.empty()) {
    if (auto valid = validate(ask.also); !valid) return valid;
  }
  if (ask.cost < 0) {
    return base::invalid("cost must be an integer between 0 and " +
                             std::to_string(std::numeric_limits<int64_t>::max()),
                         "cost");
  }
  return {};
}

Limiter::Limiter(LimiterOptions options) : state_(std::make_unique<LimiterState>(options)) {}
Limiter::~Limiter() = default;

void Limiter::decide(Batch& batch, base::Time now) {
  state_->refresh(batch.state_->published);
  Deciding(*state_, *batch.state_, now).run();
}

std::vector<SpecError> Limiter::reload(std::vector<DomainSpec> specs) {
  std::vector<SpecError> errors = Limits::check(specs);
  if (!errors.empty()) return errors;
  base::Guard guard(state_->reload);
  auto compiled = Limits::compile(std::move(specs), state_->laws);
  if (!compiled) return {{{}, compiled.error().what}};
  state_->publish(std::move(*compiled));
  state_->table.watermarks().reloaded();
  state_->table.promises().withdraw_all();
  state_->watchers.tell_reload();
  return {};
}

std::shared_ptr<const Limits> Limiter::limits() const { return state_->get()->limits; }

void Limiter::tick(base::Time now) {
  state_->openings.end_due(now, kEndedEachShard);
  state_->table.promises().end_due(now);
  state_->table.sweep(now, kSweepSegments);
}

}  // namespace limiter

#include "limiter/gather.h"

#include <algorithm>
#include <iterator>

#include "base/random.h"

namespace limiter {

Keys::Keys(uint64_t seed) {
  base::Random random(seed);
  limits_ = random.next();
  throttle_ = random.next();
  blocks_ = random.next();
}

GatheredSpan Gathered::nothing() const {
  GatheredSpan span;
  span.met = span.met_end = static_cast<uint32_t>(met.size());
  span.hits = span.hits_end = static_cast<uint32_t>(hits.size());
  span.blocks = span.blocks_end = static_cast<uint32_t>(blocks.size());
  return span;
}

void Gathered::clear() {
  met.clear();
  hits.clear();
  blocks.clear();
}

bool is_concurrency(const Limit& limit) {
  return limit.spec.law && std::holds_alternative<limit::Concurrency>(*limit.spec.law);
}

bool counts_cost(const Limit& limit) {
  return limit.spec.counts == Counts::kCost && !is_concurrency(limit);
}

namespace {

void match_all(const Keys& keys, const Limits::Domain& domain,
               std::span<const Descriptor> descriptors, bool with_blocks, Gathered& out) {
  for (const Descriptor descriptor : descriptors) {
    const std::span<const Limit> limits = Limits::match(domain, descriptor, out.text);
    if (!limits.empty()) {
      const base::Hash128 hash = keys.of_limits(out.text);
      for (const Limit& limit : limits)
        out.met.push_back({&limit, descriptor, base::salted(hash, limit.salt)});
    }
    if (with_blocks) {
      domain.block_text(descriptor, out.text);
      out.blocks.push_back(keys.of_block(out.text));
    }
  }
}

// Drops every limit that a limit of the same ask displaces. Only names that the file gives count:
// a default name is ours, and an entry of `replaces` that happens to be spelled like one is not.
void displace(std::vector<Met>& met, size_t first) {
  const auto begin = met.begin() + static_cast<ptrdiff_t>(first);
  const auto displaced = [&](const Met& candidate) {
    const std::string& name = candidate.limit->spec.name;
    if (name.empty()) return false;
    return std::any_of(begin, met.end(), [&](const Met& other) {
      const auto& names = other.limit->spec.replaces;
      return std::find(names.begin(), names.end(), name) != names.end();
    });
  };
  // Judged before any is dropped: one that is displaced itself still displaces others.
  std::vector<Met> kept;
  std::copy_if(begin, met.end(), std::back_inserter(kept),
               [&](const Met& each) { return !displaced(each); });
  met.erase(std::copy(kept.begin(), kept.end(), begin), met.end());
}

void add_hit(const Ask& ask, size_t first_hit, Met& met, std::vector<Hit>& hits) {
  const LimitSpec& spec = met.limit->spec;
  if (!spec.law) return;
  const int64_t cost = counts_cost(*met.limit) ? ask.cost : 1;
  for (size_t i = first_hit; i < hits.size(); ++i) {
    if (hits[i].key != met.key) continue;
    met.hit = static_cast<uint32_t>(i);
    if (!is_concurrency(*met.limit)) hits[i].cost = saturating_add(hits[i].cost, cost);
    return;
  }
  met.hit = static_cast<uint32_t>(hits.size());
  hits.push_back({.key = met.key,
                  .law = &*spec.law,
                  .law_number = met.limit->law_number,
                  .cost = cost,
                  .shadow = spec.shadow,
                  .durable = spec.durable && !spec.shadow});
}

}  // namespace

Domains find(const Limits& limits, const Ask& ask) {
  Domains domains{.first = limits.find(ask.domain)};
  if (!ask.also_domain.empty()) domains.also = limits.find(ask.also_domain);
  return domains;
}

GatheredSpan gather(const Keys& keys, const Domains& domains, const Ask& ask, bool with_blocks,
                    Gathered& out) {
  GatheredSpan span = out.nothing();
  if (domains.first != nullptr) {
    match_all(keys, *domains.first, ask.descriptors, with_blocks, out);
    if (domains.first->any_replaces()) displace(out.met, span.met);
  }
  if (domains.also != nullptr) {
    const size_t from = domains.also == domains.first ? span.met : out.met.size();
    match_all(keys, *domains.also, ask.also, with_blocks, out);
    if (domains.also->any_replaces()) displace(out.met, from);
  }
  for (size_t i = span.met; i < out.met.size(); ++i) {
    add_hit(ask, span.hits, out.met[i], out.hits);
    span.quota |= out.met[i].limit->spec.quota;
  }
  const GatheredSpan end = out.nothing();
  span.met_end = end.met;
  span.hits_end = end.hits;
  span.blocks_end = end.blocks;
  return span;
}

}  // namespace limiter

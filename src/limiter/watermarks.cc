#include "limiter/watermarks.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/wide.h"
#include "limiter/watermark.h"

namespace limiter {

namespace {

int64_t bound_of(const Law& law) {
  return std::visit(
      []<typename L>(const L& each) -> int64_t {
        if constexpr (std::is_same_v<L, limit::Gcra>)
          return each.burst();
        else if constexpr (std::is_same_v<L, limit::Concurrency>)
          return each.cap();
        else
          return each.count();
      },
      law);
}

limit::Rate rate_of(const Law& law) {
  return std::visit(
      []<typename L>(const L& each) -> limit::Rate {
        if constexpr (std::is_same_v<L, limit::Concurrency>)
          return {};
        else
          return each.rate();
      },
      law);
}

// Units in kAhead at `count` per `period`.
int64_t ahead(int64_t count, base::Duration period) {
  const base::Int128 units =
      base::Int128{count} * Watermarks::kAhead.count() / std::max(period.count(), int64_t{1});
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  return units > kMax ? kMax : static_cast<int64_t>(units);
}

int64_t less(int64_t left, int64_t cost) {  // Saturating: a commit may go below 0.
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  return left < kMin + cost ? kMin : left - cost;
}

}  // namespace

void Watermarks::use(Journal* journal) {
  journal_ = journal;
  stripes_ = std::make_unique<std::array<Stripe, kStripes>>();
}

Watermarks::Entry& Watermarks::entry_of(Stripe& stripe, const Hit& hit, base::Time now) {
  const auto [place, is_new] = stripe.entries.try_emplace(hit.key);
  Entry& entry = place->second;
  if (is_new) size_.fetch_add(1, std::memory_order_relaxed);
  const uint32_t reloads = reloads_.load(std::memory_order_relaxed);
  if (entry.law != hit.law_number || entry.reloads != reloads)
    entry = {.law = hit.law_number, .reloads = reloads};
  refresh(entry, now);
  return entry;
}

void Watermarks::refresh(Entry& entry, base::Time now) const {
  if (entry.number != 0 && entry.number <= durable_.load(std::memory_order_acquire)) {
    entry.number = 0;
    entry.left = entry.asked;
    entry.ends = entry.asked_ends;
  }
  if (now >= entry.ends) entry.left = std::min(entry.left, int64_t{0});
}

Watermarks::Cover Watermarks::cover(const Hit& hit, const Slot* slot, base::Time now) {
  if (!can_log()) return Cover::kFailed;  // Units that are left would be the last.
  Stripe& stripe = stripe_of(hit.key);
  base::Guard guard(stripe.lock);
  Entry& entry = entry_of(stripe, hit, now);
  while (entry.left < hit.cost) {
    const bool comes = entry.number != 0 && entry.asked >= hit.cost && now < entry.asked_ends;
    if (!comes) ask(entry, hit, slot, now);
    // Seen under the lock that journaled() takes: whoever watches will be told.
    if (on_its_way(entry.number)) return Cover::kLogging;
    if (!can_log()) return Cover::kFailed;
    refresh(entry, now);
  }
  return Cover::kCovered;
}

void Watermarks::charged(const Hit& hit, int64_t cost, const Slot& slot, base::Time now) {
  if (!can_log()) return;
  Stripe& stripe = stripe_of(hit.key);
  base::Guard guard(stripe.lock);
  Entry& entry = entry_of(stripe, hit, now);
  entry.left = less(entry.left, cost);
  entry.asked = less(entry.asked, cost);
  entry.used = saturating_add(entry.used, cost);
  entry.charged_at = now;
  if (entry.number == 0 && entry.left <= entry.block / 2) ask(entry, hit, &slot, now);
}

void Watermarks::ask(Entry& entry, const Hit& hit, const Slot* slot, base::Time now) {
  const bool first = entry.asked_at == base::Time{};
  const limit::Rate rate = rate_of(*hit.law);
  const int64_t pace = first ? ahead(rate.count, rate.period)
                             : std::max(ahead(entry.used, now - entry.asked_at), entry.block / 2);
  const int64_t least = std::max(hit.cost, int64_t{1});
  const int64_t most = std::max(bound_of(*hit.law) / 4, least);
  entry.block = std::clamp(pace, least, most);
  entry.asked = std::max(entry.block, entry.left);
  entry.asked_at = now;
  entry.asked_ends = block_ends(*hit.law, now);
  entry.used = 0;
  Watermark mark = watermark_of(hit.key, slot, *hit.law, now);
  mark.block = entry.asked;
  const WatermarkRecord record = encode(mark);
  entry.number = journal_->append({record.data(), record.size()});
  base::Guard guard(asked_lock_);
  // What is durable already nobody tells any more; cover() looks again.
  if (entry.number > durable_.load(std::memory_order_acquire))
    asked_.emplace(entry.number, hit.key);
}

bool Watermarks::on_its_way(uint64_t number) const {
  base::Guard guard(asked_lock_);
  return asked_.contains(number);
}

std::vector<base::Hash128> Watermarks::journaled(uint64_t through) {
  std::vector<base::Hash128> states;
  base::Guard guard(asked_lock_);
  if (through > durable_.load(std::memory_order_relaxed))
    durable_.store(through, std::memory_order_release);
  const auto end = asked_.upper_bound(through);
  for (auto it = asked_.begin(); it != end; ++it) states.push_back(it->second);
  asked_.erase(asked_.begin(), end);
  return states;
}

std::vector<base::Hash128> Watermarks::fail() {
  std::vector<base::Hash128> states;
  failed_.store(true, std::memory_order_relaxed);
  base::Guard guard(asked_lock_);
  for (const auto& [number, state] : asked_) states.push_back(state);
  asked_.clear();
  return states;
}

void Watermarks::forget(base::Hash128 key) {
  if (size() == 0) return;
  Stripe& stripe = stripe_of(key);
  base::Guard guard(stripe.lock);
  if (stripe.entries.erase(key) == 0) return;
  size_.fetch_sub(1, std::memory_order_relaxed);
  if (!can_log()) return;
  const WatermarkRecord record = encode({.kind = Watermark::Kind::kGone, .key = key});
  journal_->append({record.data(), record.size()});
}

void Watermarks::recovered(base::Hash128 key, LawNumber law, base::Time now) {
  Stripe& stripe = stripe_of(key);
  base::Guard guard(stripe.lock);
  const auto [place, is_new] = stripe.entries.insert_or_assign(key, Entry{.law = law});
  place->second.charged_at = now;
  if (is_new) size_.fetch_add(1, std::memory_order_relaxed);
}

std::vector<base::Hash128> Watermarks::keys(size_t stripe) const {
  std::vector<base::Hash128> keys;
  if (stripes_ == nullptr) return keys;
  const Stripe& part = (*stripes_)[stripe];
  base::Guard guard(part.lock);
  for (const auto& [key, entry] : part.entries) keys.push_back(key);
  return keys;
}

void Watermarks::rewrite(base::Hash128 key, const Slot* slot, bool idle, base::Time now,
                         const Laws& laws) {
  Stripe& stripe = stripe_of(key);
  base::Guard guard(stripe.lock);
  const auto found = stripe.entries.find(key);
  if (found == stripe.entries.end() || !can_log()) return;
  Entry& entry = found->second;
  refresh(entry, now);
  if (idle && entry.number == 0 && now - entry.charged_at >= kKept) {
    stripe.entries.erase(found);
    size_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  const bool is_rate = slot != nullptr && slot->kind() < Kind::kHolds && slot->law() != kAdHoc;
  const Law& law = laws.at(is_rate ? slot->law() : entry.law);
  Watermark mark = watermark_of(key, is_rate ? slot : nullptr, law, now);
  mark.block = std::max({entry.left, entry.number != 0 ? entry.asked : 0, int64_t{0}});
  const WatermarkRecord record = encode(mark);
  journal_->append({record.data(), record.size()});
}

}  // namespace limiter

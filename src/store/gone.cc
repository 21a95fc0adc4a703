#include "store/gone.h"

#include <algorithm>

#include "limiter/verdict.h"

namespace store {
namespace {

using limiter::Answer;
using limiter::DecidedBy;
using limiter::Gathered;
using limiter::GatheredSpan;
using limiter::Met;
using limiter::WhenGone;

constexpr size_t kSweepSegments = 16;

int64_t part(int64_t units, unsigned n) { return units == 0 ? 0 : std::max<int64_t>(units / n, 1); }

// Count over n periods, not a count that was rounded: n instances together keep the rate.
limiter::Law share_of(const limit::Gcra& law, unsigned n) {
  limit::Rate rate = law.rate();
  int64_t period = 0;
  if (__builtin_mul_overflow(rate.period.count(), int64_t{n}, &period)) {
    rate.count = part(rate.count, n);
  } else {
    rate.period = base::Duration(period);
  }
  auto shared = limit::Gcra::make(rate, part(law.burst(), n));
  return shared ? *shared : law;
}

limiter::Law share_of(const limit::FixedWindow& law, unsigned n) {
  const int64_t count = part(law.count(), n);
  auto shared = law.calendar()
                    ? limit::FixedWindow::make_calendar(count, *law.calendar(), law.zone())
                    : limit::FixedWindow::make({count, law.rate().period});
  return *shared;
}

limiter::Law share_of(const limit::SlidingCounter& law, unsigned n) {
  return *limit::SlidingCounter::make({part(law.count(), n), law.rate().period});
}

limiter::Law share_of(const limit::SlidingLog& law, unsigned n) {
  return *limit::SlidingLog::make({part(law.count(), n), law.rate().period});
}

limiter::Law share_of(const limit::Concurrency& law, unsigned n) {
  return *limit::Concurrency::make(part(law.cap(), n), law.ttl_max());
}

int64_t limit_of(const limiter::Law& law) {
  if (const auto* const gcra = std::get_if<limit::Gcra>(&law)) return gcra->burst();
  if (const auto* const window = std::get_if<limit::FixedWindow>(&law)) return window->count();
  if (const auto* const counter = std::get_if<limit::SlidingCounter>(&law)) return counter->count();
  if (const auto* const log = std::get_if<limit::SlidingLog>(&law)) return log->count();
  return std::get<limit::Concurrency>(law).cap();
}

void refuse(std::span<const Met> met, base::Duration retry, std::span<limiter::LimitAnswer> rows,
            Answer& answer) {
  answer.allowed = false;
  answer.matched = true;
  answer.decided_by = DecidedBy::kRefuse;
  for (size_t i = 0; i < met.size(); ++i) {
    const limiter::LimitSpec& spec = met[i].limit->spec;
    limit::Decision decision{.allowed = spec.when_gone != WhenGone::kRefuse};
    decision.limit = spec.law ? limit_of(*spec.law) : std::numeric_limits<int64_t>::max();
    if (!decision.allowed) decision.retry_after = retry;
    rows[i] = {met[i].limit, met[i].descriptor, decision};
    if (decision.allowed || spec.shadow || !answer.limited_by.empty()) continue;
    answer.limited_by = answer.nearest = met[i].limit->name;
    answer.numbers = decision;
  }
  answer.limits = rows;
}

}  // namespace

limiter::Law share_of(const limiter::Law& law, unsigned n) {
  return std::visit([n](const auto& each) { return share_of(each, n); }, law);
}

Gone::Share Gone::share(const limiter::Hit& hit, unsigned instances) {
  const uint64_t name = uint64_t{hit.law_number} << 32 | instances;
  const base::Guard guard(mutex_);
  const auto [found, added] = shares_.try_emplace(name);
  if (added) {
    const auto number = laws_.number(share_of(*hit.law, instances));
    if (!number) {
      shares_.erase(found);
      return {};
    }
    found->second = {*number, &laws_.at(*number)};
  }
  return found->second;
}

void Gone::decide(const Gathered& gathered, const GatheredSpan& span, const Terms& terms,
                  std::span<limiter::LimitAnswer> rows, Answer& answer) {
  const auto met = std::span(gathered.met).subspan(span.met, span.met_end - span.met);
  const bool refused = std::ranges::any_of(met, [](const Met& each) {
    const limiter::LimitSpec& spec = each.limit->spec;
    return spec.law && !spec.shadow && !spec.quota && spec.when_gone == WhenGone::kRefuse;
  });
  if (refused) return refuse(met, terms.retry, rows, answer);

  Gathered local;
  local.met.assign(met.begin(), met.end());
  std::vector<uint32_t> moved(span.hits_end - span.hits, Met::kNoHit);
  for (Met& each : local.met) {
    if (each.hit == Met::kNoHit) continue;
    uint32_t& to = moved[each.hit - span.hits];
    const limiter::Hit& hit = gathered.hits[each.hit];
    const bool here = each.limit->spec.when_gone == WhenGone::kLocal;
    if (const Share mine = here && to == Met::kNoHit ? share(hit, terms.instances) : Share{};
        mine.law != nullptr) {
      to = static_cast<uint32_t>(local.hits.size());
      local.hits.push_back(hit);
      local.hits.back().law = mine.law;
      local.hits.back().law_number = mine.number;
      local.hits.back().durable = false;
    }
    each.hit = to;
  }
  GatheredSpan all = span;
  all.met = all.hits = all.blocks = all.blocks_end = 0;
  all.met_end = static_cast<uint32_t>(local.met.size());
  all.hits_end = static_cast<uint32_t>(local.hits.size());
  std::vector<limit::Decision> decisions(local.hits.size());
  const limiter::Terms how{
      .now = terms.now,
      .purpose = terms.peek ? limiter::Purpose::kPeek : limiter::Purpose::kCharge};
  limiter::decide_ask(table_, watchers_, local, all, how, decisions, rows, answer);
  answer.decided_by = local.hits.empty() ? DecidedBy::kAllow : DecidedBy::kLocal;
}

void Gone::tick(base::Time now) { table_.sweep(now, kSweepSegments); }

}  // namespace store

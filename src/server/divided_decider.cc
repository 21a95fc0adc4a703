#include "server/divided_decider.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "dispatch/hosts.h"
#include "limiter/openings.h"

namespace server {
namespace {

constexpr std::string_view kClients = "server";

}  // namespace

bool own_limits(std::string_view domain, std::string_view key) {
  return domain == kClients || (domain == dispatch::kDomain &&
                                (key == dispatch::kHostKey || key == dispatch::kGlobalKey));
}

bool own_limits(std::string_view domain, std::span<const limiter::Descriptor> descriptors) {
  if (domain != kClients && domain != dispatch::kDomain) return false;
  return std::ranges::all_of(descriptors, [&](limiter::Descriptor each) {
    return !each.empty() && own_limits(domain, each.front().key);
  });
}

DividedDecider::DividedDecider(io::Loop& loop, limiter::Limiter& here, const base::Clock& clock,
                               limiter::Decider& elsewhere)
    : loop_(loop), here_(here), clock_(clock), elsewhere_(elsewhere), local_(loop, here, clock) {}

limiter::Decider& DividedDecider::of(std::string_view domain,
                                     std::span<const limiter::Descriptor> descriptors) {
  if (own_limits(domain, descriptors)) return local_;
  return elsewhere_;
}

struct DividedDecider::Mixed {
  explicit Mixed(std::span<const limiter::Ask> asks) : answers(asks.size()) {
    for (size_t i = 0; i < asks.size(); ++i) {
      if (!own_limits(asks[i].domain, asks[i].descriptors)) {
        away.push_back(i);
        rest.push_back(asks[i]);
        continue;
      }
      limiter::Ask kept = asks[i];  // What answers look at lives until they are told.
      kept.descriptors = descriptors.emplace_back(kept.descriptors).get();
      own.push_back(i);
      batch.add(kept);
    }
  }
  void tell(std::span<const limiter::Answer> from_elsewhere) {
    for (size_t i = 0; i < own.size(); ++i) answers[own[i]] = batch.answer(i);
    for (size_t i = 0; i < away.size(); ++i) answers[away[i]] = from_elsewhere[i];
    done(answers);
  }

  std::deque<limiter::DescriptorCopy> descriptors;
  limiter::Batch batch;
  std::vector<size_t> own, away;   // Which asks.
  std::vector<limiter::Ask> rest;  // Those of elsewhere.
  std::vector<limiter::Answer> answers;
  Decided done;
};

void DividedDecider::decide(std::span<const limiter::Ask> asks, Decided done) {
  const auto is_own = [](const limiter::Ask& ask) {
    return own_limits(ask.domain, ask.descriptors);
  };
  if (std::ranges::none_of(asks, is_own)) return elsewhere_.decide(asks, std::move(done));
  // Shared with the call that answers the rest.
  const auto mixed = std::make_shared<Mixed>(asks);
  mixed->done = std::move(done);
  here_.decide(mixed->batch, clock_.now());
  if (mixed->rest.empty()) return loop_.poll().defer([mixed] { mixed->tell({}); });
  elsewhere_.decide(mixed->rest,
                    [mixed](std::span<const limiter::Answer> answers) { mixed->tell(answers); });
}

void DividedDecider::reserve(const limiter::Ask& ask, base::Duration ttl, Opened done) {
  of(ask.domain, ask.descriptors).reserve(ask, ttl, std::move(done));
}

void DividedDecider::acquire(const limiter::Ask& ask, base::Duration ttl, Opened done) {
  of(ask.domain, ask.descriptors).acquire(ask, ttl, std::move(done));
}

void DividedDecider::why(std::string_view domain, std::span<const limiter::Descriptor> descriptors,
                         Explained done) {
  of(domain, descriptors).why(domain, descriptors, std::move(done));
}

void DividedDecider::block(std::string_view domain, limiter::Descriptor descriptor,
                           base::Duration span, Ended done) {
  of(domain, {&descriptor, 1}).block(domain, descriptor, span, std::move(done));
}

void DividedDecider::forget(std::string_view domain, limiter::Descriptor descriptor, Ended done) {
  of(domain, {&descriptor, 1}).forget(domain, descriptor, std::move(done));
}

template <typename Result, typename Done>
bool DividedDecider::answered_here(Result result, Done& done) {
  if (!result && result.error().code == base::Code::kNotFound) return false;
  loop_.poll().defer(
      [result = std::move(result), told = std::move(done)]() mutable { told(std::move(result)); });
  return true;
}

void DividedDecider::commit(std::string_view id, std::optional<int64_t> cost, Committed done) {
  if (answered_here(here_.commit(id, cost, clock_.now()), done)) return;
  elsewhere_.commit(id, cost, std::move(done));
}

void DividedDecider::cancel(std::string_view id, Ended done) {
  if (answered_here(here_.cancel(id, clock_.now()), done)) return;
  elsewhere_.cancel(id, std::move(done));
}

void DividedDecider::renew(std::string_view id, base::Duration ttl, Ended done) {
  if (answered_here(here_.renew(id, ttl, clock_.now()), done)) return;
  elsewhere_.renew(id, ttl, std::move(done));
}

void DividedDecider::release(std::string_view id, Ended done) {
  if (answered_here(here_.release(id, clock_.now()), done)) return;
  elsewhere_.release(id, std::move(done));
}

}  // namespace server

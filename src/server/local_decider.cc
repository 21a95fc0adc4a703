#include "server/local_decider.h"

#include <utility>

namespace server {

struct LocalDecider::Decision {
  limiter::Batch batch;
  std::vector<limiter::Answer> answers;
};

LocalDecider::LocalDecider(io::Loop& loop, limiter::Limiter& limiter, const base::Clock& clock)
    : loop_(loop), limiter_(limiter), clock_(clock) {}

LocalDecider::~LocalDecider() = default;

// Decided now, told later: what the asks look at lives until this returns.
void LocalDecider::decide(std::span<const limiter::Ask> asks, Decided done) {
  std::unique_ptr<Decision> decision;
  if (unused_.empty()) {
    decision = std::make_unique<Decision>();
  } else {
    decision = std::move(unused_.back());
    unused_.pop_back();
  }
  for (const limiter::Ask& ask : asks) decision->batch.add(ask);
  limiter_.decide(decision->batch, clock_.now());
  for (size_t i = 0; i < asks.size(); ++i) decision->answers.push_back(decision->batch.answer(i));
  loop_.poll().defer([this, told = std::move(done), raw = decision.release()] {
    std::unique_ptr<Decision> owned(raw);
    told(owned->answers);
    owned->batch.clear();
    owned->answers.clear();
    unused_.push_back(std::move(owned));
  });
}

template <typename Result, typename Done>
void LocalDecider::answer(Result result, Done done) {
  loop_.poll().defer(
      [result = std::move(result), told = std::move(done)]() mutable { told(std::move(result)); });
}

void LocalDecider::reserve(const limiter::Ask& ask, base::Duration ttl, Opened done) {
  answer(limiter_.reserve(ask, ttl, clock_.now()), std::move(done));
}

void LocalDecider::commit(std::string_view id, std::optional<int64_t> cost, Committed done) {
  answer(limiter_.commit(id, cost, clock_.now()), std::move(done));
}

void LocalDecider::cancel(std::string_view id, Ended done) {
  answer(limiter_.cancel(id, clock_.now()), std::move(done));
}

void LocalDecider::acquire(const limiter::Ask& ask, base::Duration ttl, Opened done) {
  answer(limiter_.acquire(ask, ttl, clock_.now()), std::move(done));
}

void LocalDecider::renew(std::string_view id, base::Duration ttl, Ended done) {
  answer(limiter_.renew(id, ttl, clock_.now()), std::move(done));
}

void LocalDecider::release(std::string_view id, Ended done) {
  answer(limiter_.release(id, clock_.now()), std::move(done));
}

void LocalDecider::why(std::string_view domain, std::span<const limiter::Descriptor> descriptors,
                       Explained done) {
  answer(limiter_.why(domain, descriptors, clock_.now()), std::move(done));
}

void LocalDecider::block(std::string_view domain, limiter::Descriptor descriptor,
                         base::Duration span, Ended done) {
  const base::Time now = clock_.now();
  const base::Time until = span == base::Duration::zero() ? base::Time{} : now + span;
  answer(limiter_.block(domain, descriptor, until, now), std::move(done));
}

void LocalDecider::forget(std::string_view domain, limiter::Descriptor descriptor, Ended done) {
  answer(limiter_.forget(domain, descriptor), std::move(done));
}

}  // namespace server

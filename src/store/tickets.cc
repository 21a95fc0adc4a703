#include "store/tickets.h"

#include "store/ticket_body.h"

namespace store {

Tickets::Tickets(Common& common, TicketCommon& shared, limiter::Limiter& local,
                 TicketOptions options)
    : body_(std::make_unique<Body>(*common.body_, shared, local, std::move(options))) {}
Tickets::~Tickets() = default;

void Tickets::begin(io::Loop& loop, Store& store) {
  body_->begin(loop, store.body_->desk, store.body_->line);
}

void Tickets::end() { body_->end(); }

base::Result<std::optional<limiter::Obstacle>> Tickets::take(const limiter::Ask& ask,
                                                             const limiter::TakeTerms& terms,
                                                             base::Time now,
                                                             limiter::Answer* answer) {
  if (ask.domain.empty()) return body_->local.take(ask, terms, now, answer);
  return body_->take(ask, terms, now, answer);
}

uint64_t Tickets::expect(const limiter::Ask& ask, const limiter::TakeTerms& terms, base::Time now) {
  return ask.domain.empty() ? 0 : body_->expect(ask, terms, now);
}

void Tickets::untake(const limiter::Ask& ask, const limiter::TakeTerms& terms, base::Time now) {
  if (ask.domain.empty()) return body_->local.untake(ask, terms, now);
  if (!ask.also_domain.empty()) body_->local.untake(also_of(ask), terms, now);
  body_->put_back(now);
}

void Tickets::release(const limiter::Ask& ask, uint64_t hold_id, base::Time now) {
  if (!ask.also_domain.empty()) body_->local.release(also_of(ask), hold_id, now);
  if (!ask.domain.empty()) body_->change_holds(ask, hold_id, std::nullopt);
}

void Tickets::renew(const limiter::Ask& ask, uint64_t hold_id, base::Time until, base::Time now) {
  if (!ask.also_domain.empty()) body_->local.renew(also_of(ask), hold_id, until, now);
  if (!ask.domain.empty()) body_->change_holds(ask, hold_id, until);
}

void Tickets::restore(const limiter::Ask& ask, uint64_t hold_id, base::Time until, base::Time now) {
  if (!ask.also_domain.empty()) body_->local.restore(also_of(ask), hold_id, until, now);
  if (!ask.domain.empty()) body_->change_holds(ask, hold_id, until);
}

limiter::Answer Tickets::look(const limiter::Ask& ask, base::Time now) {
  return ask.domain.empty() ? body_->local.look(ask, now) : body_->look(ask);
}

// The state may be the store's or this process's: nobody else knows which.
void Tickets::watch(base::Hash128 state, uint32_t watcher) {
  body_->shared.watchers.watch(state, watcher);
  body_->local.watch(state, watcher);
}

void Tickets::unwatch(base::Hash128 state, uint32_t watcher) {
  body_->shared.watchers.unwatch(state, watcher);
  body_->local.unwatch(state, watcher);
}

base::Result<base::Time> Tickets::promise(const limiter::Ask& ask, uint64_t owner, base::Time now) {
  if (ask.domain.empty()) return body_->local.promise(ask, owner, now);
  return base::Error{base::Code::kFull, "a store makes no promises", {}};
}

void Tickets::withdraw(uint64_t owner) { body_->local.withdraw(owner); }

}  // namespace store

// Reservations and holds whose record is in the store.
#include <algorithm>
#include <utility>

#include "store/body.h"
#include "store/record.h"

namespace store {
namespace {

using base::Code;
using base::Result;
using base::Status;
using limiter::Met;
using limiter::OpenKind;
using What = Change::What;

base::Error unsound() { return {Code::kUnknown, "the store answered something else", {}}; }

// How long a record lives. With a test's clock, as long as the test.
std::string life_of_record(const Common::Body& common, base::Duration ttl) {
  return std::to_string(base::ceil_ms(common.options.store_clock ? std::chrono::hours(1) : ttl));
}

// What one ask charged: a shadow or a limit of quota mode that refused was not.
Record record_of(Desk& desk, const Round& round, const limiter::Ask& ask, OpenKind kind) {
  Record out{.domain = std::string(ask.domain), .descriptors = {}, .cost = ask.cost, .charges = {}};
  for (const limiter::Descriptor descriptor : round.items.front().descriptors) {
    auto& copy = out.descriptors.emplace_back();
    for (const limiter::Entry& entry : descriptor) copy.emplace_back(entry.key, entry.value);
  }
  for (size_t h = 0; h < round.gathered.hits.size(); ++h) {
    const Law& law = *round.laws[h];
    if (!round.decisions[h].allowed || (law.holds() && kind == OpenKind::kReservation)) continue;
    const Met& met = round.gathered.met[round.met_of[h]];
    const auto times = std::ranges::count(round.gathered.met, static_cast<uint32_t>(h), &Met::hit);
    out.charges.push_back({.name = desk.state_name(*round.limits, met),
                           .law = law.name(),
                           .at = round.seen[h].now,
                           .cost = round.gathered.hits[h].cost,
                           .times = times,
                           .counts_cost = limiter::counts_cost(*met.limit),
                           .hold = law.holds()});
  }
  return out;
}

// The limits in force of what a record charged.
class InForce {
 public:
  InForce(Store::Body& body, const Record& record)
      : body_(body), record_(record), limits_(body.common.limits.limits()) {
    for (const auto& descriptor : record.descriptors) {
      auto& copy = entries_.emplace_back();
      for (const auto& [key, value] : descriptor) copy.push_back({key, value});
    }
    for (const auto& descriptor : entries_) descriptors_.emplace_back(descriptor);
    const limiter::Ask ask{.domain = record.domain, .descriptors = descriptors_};
    limiter::gather(body.common.keys, limiter::find(*limits_, ask), ask, false, gathered_);
  }

  // Calls `use(charge, hit, limit, law)` for each charge whose limit is still there and of the same
  // kind: holds, or units.
  template <typename Use>
  void each(Use&& use) {
    for (const Record::Charge& charge : record_.charges) {
      for (const Met& met : gathered_.met) {
        if (met.hit == Met::kNoHit || body_.desk.state_name(*limits_, met) != charge.name) continue;
        const limiter::Hit& hit = gathered_.hits[met.hit];
        const Law* const law = body_.desk.law_of(hit);
        if (law != nullptr && law->holds() == charge.hold) use(charge, hit, *met.limit, *law);
        break;
      }
    }
  }

  base::Duration cut(base::Duration ttl) const { return limiter::cut_ttl(gathered_.met, ttl); }

 private:
  Store::Body& body_;
  const Record& record_;
  std::shared_ptr<const limiter::Limits> limits_;
  std::vector<std::vector<limiter::Entry>> entries_;
  std::vector<limiter::Descriptor> descriptors_;
  limiter::Gathered gathered_;
};

Change change_of(What what, const Record::Charge& charge, const limiter::Hit& hit, const Law& law) {
  return {.what = what, .name = charge.name, .key = hit.key, .number = hit.law_number, .law = &law};
}

// A charge under a law that is no longer in force gives nothing back: how much of it the state's
// conversion kept is not known. Too little never harms.
void give_back(std::vector<Change>& changes, const Record::Charge& charge, const limiter::Hit& hit,
               const Law& law, int64_t units) {
  if (law.name() != charge.law || units == 0) return;
  Change change = change_of(What::kGiveBack, charge, hit, law);
  change.n = units;
  change.x = charge.at;
  changes.push_back(std::move(change));
}

std::vector<Change> holds_of(InForce& in_force, What what, std::string_view id,
                             base::Duration span) {
  std::vector<Change> changes;
  in_force.each([&](const Record::Charge& charge, const limiter::Hit& hit, const limiter::Limit&,
                    const Law& law) {
    if (!charge.hold) return;
    Change change = change_of(what, charge, hit, law);
    change.id = id;
    change.n = whole_us(span);
    changes.push_back(std::move(change));
  });
  return changes;
}

using Found = std::function<void(Result<Record>&&)>;

// `verb`: GET, or GETDEL, which ends it.
void find(Store::Body& body, std::string_view id, OpenKind kind, std::string_view verb,
          base::Time deadline, Found found) {
  const bool ours = !id.empty() && id.front() == static_cast<char>(kind);
  const std::string key = ours ? body.common.names.opening(id) : std::string();
  if (key.empty()) {
    return body.line.later(
        [found = std::move(found), error = limiter::not_open(id, kind)] { found(error); });
  }
  const std::string_view words[] = {verb, key};
  body.line.send(
      words, key, deadline,
      [found = std::move(found), id = std::string(id), kind](Result<redis::Reply>&& got) {
        if (!got) return found(got.error());
        if (got->kind == redis::Reply::Kind::kNil) return found(limiter::not_open(id, kind));
        auto record = Record::decode(got->text);
        if (!record) return found(unsound());
        found(*std::move(record));
      });
}

}  // namespace

void Store::Body::open(const limiter::Ask& ask, OpenKind kind, base::Duration ttl,
                       limiter::Decider::Opened done) {
  const auto refuse = [&](base::Error error) {
    line.later([done = std::move(done), error = std::move(error)] { done(error); });
  };
  if (auto valid = limiter::validate_opening(ask, ttl, common.options.ttl_max); !valid)
    return refuse(valid.error());
  std::unique_ptr<Round> round = desk.round();
  desk.add(*round, ask,
           kind == OpenKind::kHold ? limiter::Purpose::kTake : limiter::Purpose::kCharge);
  const Item& item = round->items.front();
  if (!item.known_domain) return refuse(unknown_domain(ask.domain));
  if (kind == OpenKind::kHold) ttl = limiter::cut_ttl(round->gathered.met, ttl);
  const std::string id =
      common.names.id(common.ids.next(kind).text, desk.tag_of(*item.domains.first));
  round->wants_store = true;
  round->hold_id = id;
  round->hold_ttl = ttl;
  round->done = [this, id, kind, ttl, cost = ask.cost, domain = std::string(ask.domain),
                 done = std::move(done)](Round& decided) {
    if (decided.items.front().failed) return done(*decided.items.front().failed);
    const limiter::Answer& answer = decided.answers.front();
    limiter::Limiter::Opened opened{{}, std::string(answer.limited_by), answer.numbers};
    if (!answer.allowed) return done(std::move(opened));
    opened.id = id;
    const limiter::Ask same{.domain = domain, .cost = cost};
    const std::string record = record_of(desk, decided, same, kind).encode();
    const std::string key = common.names.opening(id);
    const std::string span = life_of_record(common, ttl);
    const std::string_view words[] = {"SET", key, record, "PX", span};
    line.send(words, key, decided.deadline,
              [done, opened = std::move(opened)](Result<redis::Reply>&& reply) mutable {
                // Charged, but nobody could end it: it ends by itself.
                if (!reply) return done(base::Error{Code::kUnknown, reply.error().what, {}});
                opened.limited_by.clear();
                done(std::move(opened));
              });
  };
  desk.start(std::move(round));
}

void Store::reserve(const limiter::Ask& ask, base::Duration ttl, Opened done) {
  body_->open(ask, OpenKind::kReservation, ttl, std::move(done));
}

void Store::acquire(const limiter::Ask& ask, base::Duration ttl, Opened done) {
  body_->open(ask, OpenKind::kHold, ttl, std::move(done));
}

namespace {

// Returns how many of `extra` units every limit has been charged.
void charge_extra(Store::Body& body, const Record& record, int64_t extra, base::Time deadline,
                  limiter::Decider::Committed done) {
  struct Charged {
    int64_t times;
    bool counts;
  };
  std::vector<Change> changes;
  std::vector<Charged> charged;
  InForce(body, record)
      .each([&](const Record::Charge& charge, const limiter::Hit& hit, const limiter::Limit& limit,
                const Law& law) {
        if (!charge.counts_cost || charge.hold) return;
        Change change = change_of(What::kChargeOver, charge, hit, law);
        change.n = limiter::saturating_multiply(extra, charge.times);
        change.x = limit.spec.overdraft;
        changes.push_back(std::move(change));
        charged.push_back({charge.times, !limit.spec.shadow});
      });
  body.freed();  // Not freed, but what is remembered is past.
  const int64_t reserved = record.cost;
  if (changes.empty())
    return body.line.later([done = std::move(done), all = reserved + extra] { done(all); });
  settle(body.line, body.common.store_time(), changes, deadline,
         [done = std::move(done), charged, reserved, extra](Status&& status,
                                                            std::vector<int64_t>&& results) {
           if (!status) return done(base::Error{Code::kUnknown, status.error().what, {}});
           int64_t by_all = extra;
           for (size_t i = 0; i < charged.size(); ++i) {
             if (charged[i].counts) by_all = std::min(by_all, results[i] / charged[i].times);
           }
           done(reserved + by_all);
         });
}

}  // namespace

void Store::commit(std::string_view id, std::optional<int64_t> cost, Committed done) {
  if (cost && (*cost < 0 || *cost > kExact)) {
    return body_->line.later([done = std::move(done)] {
      done(base::invalid("cost must be an integer between 0 and 2^53", "cost"));
    });
  }
  const base::Time deadline = body_->deadline();
  find(*body_, id, OpenKind::kReservation, "GETDEL", deadline,
       [body = body_.get(), cost, deadline, done = std::move(done)](Result<Record>&& record) {
         if (!record) return done(record.error());
         const int64_t truth = cost.value_or(record->cost);
         if (truth == record->cost) return done(truth);
         if (truth > record->cost)
           return charge_extra(*body, *record, truth - record->cost, deadline, done);
         std::vector<Change> changes;
         InForce(*body, *record)
             .each([&](const Record::Charge& charge, const limiter::Hit& hit, const limiter::Limit&,
                       const Law& law) {
               if (!charge.counts_cost || charge.hold) return;
               const int64_t rest =
                   limiter::saturating_multiply(record->cost - truth, charge.times);
               give_back(changes, charge, hit, law, std::min(rest, charge.cost));
             });
         body->freed();
         if (changes.empty()) return done(truth);
         settle(body->line, body->common.store_time(), changes, deadline,
                [done, truth](Status&&, std::vector<int64_t>&&) { done(truth); });
       });
}

void Store::cancel(std::string_view id, Ended done) {
  const base::Time deadline = body_->deadline();
  find(*body_, id, OpenKind::kReservation, "GETDEL", deadline,
       [body = body_.get(), deadline, done = std::move(done)](Result<Record>&& record) {
         if (!record) return done(record.error());
         std::vector<Change> changes;
         InForce(*body, *record)
             .each([&](const Record::Charge& charge, const limiter::Hit& hit, const limiter::Limit&,
                       const Law& law) {
               if (!charge.hold) give_back(changes, charge, hit, law, charge.cost);
             });
         body->freed();
         if (changes.empty()) return done({});
         settle(body->line, body->common.store_time(), changes, deadline,
                [done](Status&&, std::vector<int64_t>&&) { done({}); });
       });
}

namespace {

// All of them, and the record, for `span` from now; or none of them any more.
void renew_all(Store::Body& body, const std::string& id, const Record& record, base::Duration ttl,
               base::Time deadline, limiter::Decider::Ended done) {
  InForce in_force(body, record);
  const base::Duration span = in_force.cut(ttl);
  const auto held = std::ranges::count_if(record.charges, &Record::Charge::hold);
  std::vector<Change> renewals = holds_of(in_force, What::kRenew, id, span);
  const auto keep = [&body, id, span, deadline](limiter::Decider::Ended ended) {
    const std::string key = body.common.names.opening(id);
    const std::string ms = life_of_record(body.common, span);
    const std::string_view words[] = {"PEXPIRE", key, ms};
    body.line.send(words, key, deadline, [id, ended](Result<redis::Reply>&& reply) {
      if (!reply) return ended(reply.error());
      if (reply->integer != 1) return ended(limiter::not_open(id, OpenKind::kHold));
      ended({});
    });
  };
  if (held == 0) return keep(std::move(done));
  const auto give_up = [&body, id, deadline, releases = holds_of(in_force, What::kRelease, id, {})](
                           limiter::Decider::Ended ended) {
    const std::string key = body.common.names.opening(id);
    const std::string_view words[] = {"DEL", key};
    body.line.send(words, key, deadline, [](Result<redis::Reply>&&) {});
    body.freed();
    if (releases.empty()) return ended(limiter::not_open(id, OpenKind::kHold));
    settle(body.line, body.common.store_time(), releases, deadline,
           [id, ended](Status&&, std::vector<int64_t>&&) {
             ended(limiter::not_open(id, OpenKind::kHold));
           });
  };
  if (renewals.empty()) return keep(std::move(done));  // A reload removed their limits.
  settle(body.line, body.common.store_time(), renewals, deadline,
         [keep, give_up, done = std::move(done)](Status&& status, std::vector<int64_t>&& results) {
           if (!status) return done(std::move(status));
           // One was forgotten: the others are of no use alone.
           if (std::ranges::count(results, 0) > 0) return give_up(done);
           keep(done);
         });
}

}  // namespace

void Store::renew(std::string_view id, base::Duration ttl, Ended done) {
  if (auto valid = limiter::validate_ttl(ttl, body_->common.options.ttl_max); !valid) {
    return body_->line.later([done = std::move(done), error = valid.error()] { done(error); });
  }
  const base::Time deadline = body_->deadline();
  find(*body_, id, OpenKind::kHold, "GET", deadline,
       [body = body_.get(), id = std::string(id), ttl, deadline,
        done = std::move(done)](Result<Record>&& record) {
         if (!record) return done(record.error());
         renew_all(*body, id, *record, ttl, deadline, done);
       });
}

void Store::release(std::string_view id, Ended done) {
  const base::Time deadline = body_->deadline();
  find(*body_, id, OpenKind::kHold, "GETDEL", deadline,
       [body = body_.get(), id = std::string(id), deadline,
        done = std::move(done)](Result<Record>&& record) {
         if (!record) return done(record.error());
         InForce in_force(*body, *record);
         const std::vector<Change> changes = holds_of(in_force, What::kRelease, id, {});
         body->freed();
         if (changes.empty()) return done({});
         settle(body->line, body->common.store_time(), changes, deadline,
                [done](Status&&, std::vector<int64_t>&&) { done({}); });
       });
}

}  // namespace store

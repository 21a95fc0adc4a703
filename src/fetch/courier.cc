#include "fetch/courier.h"

#include <utility>

#include "io/clock.h"

namespace fetch {
namespace {

dispatch::Failure failure_of(const http::Response& response) {
  switch (response.failure) {
    case http::Failure::kNone:
      return dispatch::Failure::kNone;
    case http::Failure::kUrl:
    case http::Failure::kGuard:
      return dispatch::Failure::kRefused;
    case http::Failure::kDns:
      return dispatch::Failure::kDns;
    case http::Failure::kConnect:
      return dispatch::Failure::kConnect;
    case http::Failure::kTls:
      return dispatch::Failure::kTls;
    case http::Failure::kTimeout:
      return dispatch::Failure::kTimeout;
    case http::Failure::kTooLarge:
      return dispatch::Failure::kTooLarge;
    case http::Failure::kRedirect:  // An answer came: a 3xx that leads nowhere.
      return response.status != 0 ? dispatch::Failure::kNone : dispatch::Failure::kBroken;
    case http::Failure::kBroken:
    case http::Failure::kCancelled:
      break;
  }
  return dispatch::Failure::kBroken;
}

}  // namespace

Courier::Courier(io::Loop& loop, const base::Clock& clock, dispatch::Hosts& hosts,
                 http::ClientOptions options)
    : clock_(clock), hosts_(hosts), client_(loop, std::move(options)) {}

Courier::~Courier() {
  const base::Time now = clock_.now();
  for (const auto& open : opens_) {
    if (open->on_its_way) hosts_.dropped(open->host, now);
  }
}

http::Client::Id Courier::send(const http::Outgoing& outgoing, base::Duration age, Done done) {
  if (unused_.empty()) {
    opens_.push_back(std::make_unique<Open>());
    unused_.push_back(opens_.back().get());
  }
  Open& open = *unused_.back();
  unused_.pop_back();
  open.host = outgoing.url->authority();
  open.started = clock_.now();
  open.age = age;
  open.done = std::move(done);
  open.on_its_way = true;
  hosts_.begin(open.host, open.started);
  open.id = client_.send(
      outgoing, [this, &open](http::Response&& response) { arrived(open, std::move(response)); });
  return open.id;
}

void Courier::arrived(Open& open, http::Response&& response) {
  const base::Time now = clock_.now();
  Trip trip;
  trip.started = open.started;
  if (response.failure == http::Failure::kCancelled) {
    trip.judgement.outcome = dispatch::Outcome::kGoesBack;
    trip.judgement.reason = "cancelled";
    hosts_.dropped(open.host, now);
  } else {
    const dispatch::Exchange exchange{failure_of(response), response.status, response.retry_after,
                                      response.ratelimit,   response.age,    response.error};
    const http::Response::Phases& phases = response.phases;
    trip.judgement = dispatch::judge(exchange, io::wall_clock(), open.age);
    hosts_.end(
        open.host, trip.judgement, exchange,
        {open.started, phases.dns, phases.connect, phases.tls, phases.first_byte, phases.total},
        now);
  }
  trip.response = std::move(response);
  open.on_its_way = false;
  const Done done = std::exchange(open.done, nullptr);
  unused_.push_back(&open);  // `done` may send the next one.
  done(std::move(trip));
}

void Courier::cancel(http::Client::Id id) { client_.cancel(id); }

void Courier::cancel_all() {
  for (const auto& open : opens_) {
    if (open->on_its_way) client_.cancel(open->id);
  }
}

}  // namespace fetch

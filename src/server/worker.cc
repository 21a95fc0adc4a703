#include "server/worker.h"

namespace server {
namespace {

constexpr base::Duration kStopSweep = std::chrono::milliseconds(10);

}  // namespace

Worker::Worker(const base::Clock& clock, const SessionBounds& bounds, base::Duration sweep_period,
               uint64_t seed)
    : clock_(clock),
      home_{loop_.poll(), bounds, [this](Session& session) { bury(session); }, clock.now()},
      ids_(seed) {
  loop_.every(sweep_period, [this] { sweep(); });
}

void Worker::adopt(Arrival arrival, const MakeTalk& make) {
  auto shared = std::make_shared<Arrival>(std::move(arrival));  // A function must be copyable.
  loop_.post([this, shared, &make] { welcome(*shared, make); });
}

void Worker::welcome(Arrival& arrival, const MakeTalk& make) {
  if (empty_) return;  // Came while the server began to stop.
  auto session =
      std::make_unique<Session>(home_, std::move(arrival.fd), std::move(arrival.presence));
  Session& it = *session;
  it.place = sessions_.size();
  sessions_.push_back(std::move(session));
  it.begin(make(arrival, ids_, [&it] { it.resume(); }));
}

void Worker::bury(Session& session) {
  const size_t place = session.place;
  if (buried_.empty()) loop_.poll().defer([this] { buried_.clear(); });
  buried_.push_back(std::move(sessions_[place]));
  if (place + 1 < sessions_.size()) {
    sessions_[place] = std::move(sessions_.back());
    sessions_[place]->place = place;
  }
  sessions_.pop_back();
  tell_if_empty();
}

void Worker::sweep() {
  home_.now = clock_.now();
  for_each([](Session& session) { session.sweep(); });
}

// From the back, since a session that ends gives its place to the last one.
void Worker::for_each(const std::function<void(Session&)>& visit) {
  for (size_t i = sessions_.size(); i-- > 0;) {
    if (i < sessions_.size()) visit(*sessions_[i]);
  }
}

void Worker::stop(std::function<void()> empty) {
  loop_.post([this, done = std::move(empty)] {
    empty_ = done;
    loop_.every(kStopSweep, [this] { sweep(); });
    for_each([](Session& session) { session.stop(); });
    tell_if_empty();
  });
}

void Worker::cut_off() {
  loop_.post([this] { for_each([](Session& session) { session.end(); }); });
}

void Worker::tell_if_empty() {
  if (!empty_ || !sessions_.empty() || told_) return;
  told_ = true;
  empty_();
}

}  // namespace server

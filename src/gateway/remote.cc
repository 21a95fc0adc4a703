#include "gateway/remote.h"

#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "gateway/instance_line.h"
#include "gateway/instance_words.h"
#include "io/alarm.h"
#include "io/loop.h"
#include "proxy/traffic.h"

namespace gateway {
namespace {

constexpr size_t kConnectionsKept = InstanceLine::kFlyingMax;  // To each instance.

}  // namespace

base::Result<http::AddressGuard> instance_guard(const Options& options) {
  std::vector<std::string> allow = options.trusted_networks;
  allow.insert(allow.end(), {"127.0.0.0/8", "::1"});
  return http::AddressGuard::make(http::GuardMode::kListed, allow);
}

struct Remote::Body final : LineHome, std::enable_shared_from_this<Remote::Body> {
  Body(io::Loop& told_loop, const Options& told, Registry& told_registry,
       const base::Clock& told_clock, http::AddressGuard told_guard)
      : loop(told_loop),
        options(told),
        registry(told_registry),
        clock(told_clock),
        guard(std::move(told_guard)),
        alarm(loop.poll(), [this] { expire(); }) {}

  base::Time now() const override { return clock.now(); }
  void ended(uint64_t instance, Pending&& ask, std::string_view text, Ended&& how) override;
  void may_send(InstanceLine& line) override;

  void ask(Pending&& ask, std::string_view text, uint64_t except);
  InstanceLine* choose(const Pending& ask, uint64_t except);
  bool join();
  InstanceLine& line_of(const Registry::Chosen& chosen);
  void send();
  void expire();
  void later(std::function<void()> task);
  void hold();
  bool may_try_again(const Pending& ask, const Ended& how, base::Time now) const;

  io::Loop& loop;
  const Options& options;
  Registry& registry;
  const base::Clock& clock;
  const http::AddressGuard guard;
  proxy::Traffic traffic;  // Of these connections; shown nowhere.
  io::Alarm alarm;
  std::unordered_map<uint64_t, std::unique_ptr<InstanceLine>> lines;  // By instance.
  std::vector<InstanceLine*> ready;                                   // To send.
  // Where the asks of this round go, and how many more may. It has asks to send, so it stays.
  InstanceLine* present = nullptr;
  size_t room = 0;
  std::string text;  // Of the present ask.
  bool held = false;
  bool gone = false;  // The Remote is.
};

// After what is being told now, so that what comes together goes together.
void Remote::Body::later(std::function<void()> task) {
  auto unless_gone = [weak = weak_from_this(), what = std::move(task)] {
    const std::shared_ptr<Body> here = weak.lock();
    if (here != nullptr && !here->gone) what();
  };
  if (loop.poll().in_round()) return loop.poll().defer(std::move(unless_gone));
  loop.post(std::move(unless_gone));
}

// Whom a line tells may destroy the Remote, but not the line under its own feet.
void Remote::Body::hold() {
  if (std::exchange(held, true)) return;
  loop.poll().defer([here = shared_from_this()] { here->held = false; });
}

InstanceLine& Remote::Body::line_of(const Registry::Chosen& chosen) {
  std::unique_ptr<InstanceLine>& line = lines[chosen.id];
  if (line == nullptr) {
    const InstanceLine::Terms terms{chosen.id, chosen.host, chosen.port, options.deadline};
    const proxy::Pool::Terms pool{loop.poll(), traffic, alarm, kConnectionsKept, &guard};
    line = std::make_unique<InstanceLine>(terms, *this, pool);
  }
  return *line;
}

void Remote::Body::may_send(InstanceLine& line) {
  if (ready.empty()) later([this] { send(); });
  ready.push_back(&line);
}

void Remote::Body::send() {
  present = nullptr;
  for (InstanceLine* const line : std::exchange(ready, {})) line->send();
}

void Remote::Body::ask(Pending&& ask, std::string_view what, uint64_t except) {
  ask.chosen = clock.now();
  InstanceLine* const line = choose(ask, except);
  if (line == nullptr) {
    const Reason reason = except == 0 ? Reason::kNoInstance : Reason::kFailure;
    return later(
        [weak = weak_from_this(), done = std::move(ask.done), reason] { done(nobody(reason)); });
  }
  alarm.within(options.deadline - (ask.chosen - ask.since));
  line->add(std::move(ask), what);
}

// Null: there is none that may be asked.
InstanceLine* Remote::Body::choose(const Pending& ask, uint64_t except) {
  const bool together = options.choose != Choose::kRendezvous;
  if (together && present != nullptr && present->instance() != except && join()) return present;
  const std::optional<Registry::Chosen> chosen = registry.choose(ask.key, ask.chosen, except);
  if (!chosen) return nullptr;
  InstanceLine& line = line_of(*chosen);
  if (together && !chosen->trial) {
    present = &line;
    room = InstanceLine::kAsksMax - 1;
  }
  return &line;
}

bool Remote::Body::join() {
  if (room == 0 || !registry.join(present->instance())) return false;
  --room;
  return true;
}

bool Remote::Body::may_try_again(const Pending& ask, const Ended& how, base::Time now) const {
  return options.choose == Choose::kRandom && !ask.again && how.uncharged &&
         now - ask.since <= options.deadline / 2;
}

void Remote::Body::ended(uint64_t instance, Pending&& ask, std::string_view what, Ended&& how) {
  hold();
  if (gone) return;
  const base::Time now = clock.now();
  if (how.decision) {
    registry.answered(instance, now - ask.chosen, now);
    return ask.done(*std::move(how.decision));
  }
  registry.failed(instance, ask.chosen, now);
  if (may_try_again(ask, how, now)) {
    ask.again = true;
    return this->ask(std::move(ask), what, instance);
  }
  ask.done(nobody(how.late ? Reason::kDeadline : Reason::kFailure));
}

void Remote::Body::expire() {
  const base::Time now = clock.now();
  base::Time next = base::Time::max();
  std::vector<InstanceLine*> all;  // There may be more, once some are told.
  for (const auto& [id, line] : lines) all.push_back(line.get());
  for (InstanceLine* const line : all) next = std::min(next, line->expire());
  std::erase_if(lines, [](const auto& each) { return each.second->idle(); });
  if (next != base::Time::max()) alarm.within(std::max(next - now, base::Duration::zero()));
}

Remote::Remote(io::Loop& loop, const Options& options, Registry& registry,
               const base::Clock& clock) {
  base::Result<http::AddressGuard> guard = instance_guard(options);
  CHECK(guard);
  body_ = std::make_shared<Body>(loop, options, registry, clock, *std::move(guard));
}

Remote::~Remote() {
  body_->gone = true;
  body_->alarm.stop();
}

void Remote::decide(const limiter::Ask& ask, Done done) {
  Pending pending{.done = std::move(done), .key = {}, .since = body_->clock.now(), .chosen = {}};
  if (body_->options.choose == Choose::kRendezvous) pending.key = key_of(ask);
  body_->text.clear();
  append_check(ask, body_->text);
  body_->ask(std::move(pending), body_->text, 0);
}

}  // namespace gateway

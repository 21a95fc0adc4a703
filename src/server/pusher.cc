#include "server/pusher.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "io/log.h"

namespace server {
namespace {

constexpr uint32_t kTakenAtOnce = 64;  // Of one Dequeue.
// Over it the Dequeue is asked anew; long, for it is answered as soon as something may go.
constexpr base::Duration kWait = std::chrono::hours(1);
constexpr base::Duration kRest = std::chrono::seconds(1);  // After an error.
constexpr base::Duration kLookPeriod = std::chrono::seconds(5);
constexpr int64_t kLookShare = 20;  // A walk takes at most one part in so many of the time.

base::Result<dispatch::Signer> signer_of(const std::string& variable) {
  const char* const secrets = std::getenv(variable.c_str());
  if (secrets == nullptr || *secrets == '\0') return base::invalid("is not set");
  return dispatch::Signer::make(secrets);
}

}  // namespace

Pusher::Pusher(io::Loop& loop, const Common& common, uint64_t connection)
    : loop_(loop), common_(common), connection_(connection) {
  loop_.every(kLookPeriod, [this] { look(); });
}

// May come from inside a shard's turn, which must not be asked anything meanwhile.
void Pusher::told(uint32_t shard, std::string_view queue, const queue::Push& push) {
  if (told_.empty()) loop_.post([this] { settle_queues(); });
  told_.insert_or_assign(std::string(queue), Told{shard, push});
}

void Pusher::settle_queues() {
  for (const auto& [name, told] : std::exchange(told_, {})) {
    const auto found = queues_.find(name);
    if (found != queues_.end() && found->second.terms->push == told.push) continue;
    if (found != queues_.end()) {
      cancel(found->second);
      queues_.erase(found);
    }
    if (!told.push.on()) continue;
    std::shared_ptr<const Terms> terms = terms_of(name, told);
    if (terms == nullptr) continue;
    Queue& queue = queues_[name];
    queue.terms = std::move(terms);
    ask(queue);
  }
}

// Null: it cannot be signed, so it stands still; WHY says that there is no consumer.
std::shared_ptr<const Pusher::Terms> Pusher::terms_of(const std::string& name,
                                                      const Told& told) const {
  auto terms = std::make_shared<Terms>(Terms{told.shard, name, told.push, {}});
  const std::string& variable = told.push.signing_secret_env;
  if (variable.empty()) return terms;
  base::Result<dispatch::Signer> signer = signer_of(variable);
  if (!signer) {
    io::log(io::Level::kError, "a queue is not pushed: its secret is no good",
            {{"queue", name}, {"variable", variable}, {"error", signer.error().what}});
    return nullptr;
  }
  terms->signer = std::move(*signer);
  return terms;
}

void Pusher::ask(Queue& queue) {
  if (stopping_ || queue.resting || queue.standing != nullptr) return;
  full_ = full_ || flights_.size() >= kInFlightMax;
  if (full_) return;
  struct Asked {
    std::shared_ptr<const Terms> terms;
    std::string_view name;
  };
  auto asked =
      std::make_shared<Asked>(Asked{queue.terms, queue.terms->queue});  // The run keeps it.
  auto run = std::make_unique<engine::Run>();
  engine::Request& request = run->requests.emplace_back();
  request.shard = queue.terms->shard;
  request.connection = connection_;
  auto& dequeue = request.what.emplace<engine::Dequeue>();
  dequeue.queues = {&asked->name, 1};
  dequeue.count = kTakenAtOnce;
  dequeue.wait = kWait;
  dequeue.lease = queue.terms->push.timeout + kLeaseSlack;
  dequeue.unsynced = true;
  dequeue.claim = queue.standing = std::make_shared<engine::Claim>();
  run->keep.push_back(asked);
  submit(std::move(run), [this, terms = queue.terms, claim = queue.standing](engine::Run& done) {
    answered(terms, claim, done.requests.front());
  });
}

void Pusher::ask_all() {
  for (auto& [name, queue] : queues_) ask(queue);
}

// A delivery that is on its way already comes nevertheless, and is sent by its own terms.
void Pusher::cancel(Queue& queue) {
  const std::shared_ptr<engine::Claim> claim = std::exchange(queue.standing, nullptr);
  if (claim == nullptr || claim->taken.exchange(true)) return;
  auto run = std::make_unique<engine::Run>();
  engine::Request& request = run->requests.emplace_back();
  request.shard = queue.terms->shard;
  request.connection = connection_;
  request.what.emplace<engine::Cancel>().claim = claim;
  submit(std::move(run), [](engine::Run&) {});
}

void Pusher::rest(Queue& queue) {
  queue.resting = true;
  loop_.after(kRest, [this, name = queue.terms->queue] {
    const auto found = queues_.find(name);
    if (found == queues_.end()) return;
    found->second.resting = false;
    ask(found->second);
  });
}

void Pusher::answered(const std::shared_ptr<const Terms>& terms,
                      const std::shared_ptr<engine::Claim>& claim, engine::Request& request) {
  const auto found = queues_.find(terms->queue);
  const bool pushed = found != queues_.end() && !stopping_;
  for (engine::Delivery& delivery : std::get<engine::Dequeue>(request.what).deliveries) {
    if (pushed) {
      send(terms, delivery);
    } else {
      end({terms->shard, delivery.number, delivery.attempt, delivery.start},
          dispatch::Outcome::kGoesBack, {});
    }
  }
  if (!pushed || found->second.standing != claim) return;
  found->second.standing = nullptr;
  if (request.status) {
    ask(found->second);
  } else {
    rest(found->second);
  }
}

void Pusher::submit(std::unique_ptr<engine::Run> run, std::function<void(engine::Run&)> done) {
  ++runs_;
  run->done = [this, told = std::move(done)](engine::Run& answer) {
    told(answer);
    --runs_;
    tell_if_empty();
  };
  common_.shards.submit(std::move(run));
}

void Pusher::stop(std::function<void()> empty) {
  loop_.post([this, done = std::move(empty)] {
    stopping_ = true;
    empty_ = done;
    for (auto& [name, queue] : queues_) cancel(queue);
    tell_if_empty();
  });
}

void Pusher::cut_off() {
  loop_.post([this] {
    if (courier_ != nullptr) courier_->cancel_all();
  });
}

void Pusher::tell_if_empty() {
  if (!empty_ || runs_ > 0 || !flights_.empty() || !ended_.empty()) return;
  std::exchange(empty_, nullptr)();
}

void Pusher::look() {
  if (stopping_ || looking_ > 0 || common_.clock.now() < look_at_) return;
  std::set<uint32_t> shards;
  for (const auto& [name, queue] : queues_) shards.insert(queue.terms->shard);
  for (const uint32_t shard : looked_into_) {
    if (!shards.contains(shard)) common_.hosts.waiting(shard, {}, {});
  }
  looked_into_ = std::move(shards);
  for (const uint32_t shard : looked_into_) look_into(shard);
}

void Pusher::look_into(uint32_t shard) {
  auto run = std::make_unique<engine::Run>();
  engine::Request& request = run->requests.emplace_back();
  request.shard = shard;
  request.connection = connection_;
  request.what.emplace<engine::Targets>();
  ++looking_;
  submit(std::move(run), [this, shard, began = common_.clock.now()](engine::Run& done) {
    --looking_;
    const base::Time now = common_.clock.now();
    look_at_ = std::max(look_at_, now + (now - began) * kLookShare);
    if (!done.requests.front().status) return;
    auto& found = std::get<engine::Targets>(done.requests.front().what);
    base::Time oldest{};
    for (const engine::Targets::Row& row : found.rows) {
      if (row.oldest == base::Time{}) continue;
      oldest = oldest == base::Time{} ? row.oldest : std::min(oldest, row.oldest);
    }
    common_.hosts.waiting(shard, std::move(found.reasons), oldest);
  });
}

}  // namespace server

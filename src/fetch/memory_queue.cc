#include "fetch/memory_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "dispatch/hosts.h"
#include "engine/record.h"

namespace fetch {
namespace {

constexpr std::string_view kQueue = "fetch";
constexpr std::string_view kQueues[] = {kQueue};
constexpr uint32_t kAtOnce = 64;
constexpr uint32_t kSegmentBytes = uint32_t{64} << 10;  // The log holds the queue's name alone.

limiter::LimitSpec cap_of(std::string name, size_t cap, const limit::Concurrency& law) {
  limiter::LimitSpec spec;
  spec.name = std::move(name);
  spec.algorithm = "concurrency";
  spec.law = law;
  spec.rate = {static_cast<int64_t>(cap), {}};
  return spec;
}

limiter::LimitSpec rate_of(std::string name, const limit::Gcra& law) {
  limiter::LimitSpec spec;
  spec.name = std::move(name);
  spec.algorithm = "gcra";
  spec.law = law;
  spec.rate = law.rate();
  return spec;
}

base::Result<limit::Concurrency> cap_law(size_t cap, base::Duration lease, std::string field) {
  if (cap < 1 || cap > static_cast<size_t>(limit::Concurrency::kCapMax)) {
    return base::invalid(field + " must be 1 to " + std::to_string(limit::Concurrency::kCapMax),
                         field);
  }
  return limit::Concurrency::make(static_cast<int64_t>(cap), lease);
}

base::Result<limiter::DomainSpec> domain_of(const MemoryQueue::Terms& terms) {
  const auto total = cap_law(terms.total, terms.lease, "total");
  if (!total) return total.error();
  const auto per_host = cap_law(terms.per_host, terms.lease, "per_host");
  if (!per_host) return per_host.error();
  limiter::NodeSpec host, all;
  host.key = dispatch::kHostKey;
  host.limits.push_back(cap_of("dispatch-per-host", terms.per_host, *per_host));
  if (terms.host_rate) host.limits.push_back(rate_of("dispatch-host-rate", *terms.host_rate));
  all.key = dispatch::kGlobalKey;
  all.value = dispatch::kGlobalValue;
  all.limits.push_back(cap_of("dispatch-total", terms.total, *total));
  if (terms.rate) all.limits.push_back(rate_of("dispatch-rate", *terms.rate));
  limiter::DomainSpec domain;
  domain.name = dispatch::kDomain;
  domain.nodes = {std::move(host), std::move(all)};
  return domain;
}

// Its messages never die by themselves: whoever counts attempts is the owner.
queue::Settings settings_of(const MemoryQueue::Terms& terms) {
  queue::Settings settings;
  settings.durability = queue::Durability::kMemory;
  settings.lease = terms.lease;
  settings.attempts = queue::kAttemptsMax;
  settings.backoff = terms.backoff;
  settings.decide.domain = dispatch::kDomain;
  settings.decide.descriptors = {
      std::string(dispatch::kHostKey) + "={key}",
      std::string(dispatch::kGlobalKey) + "=" + std::string(dispatch::kGlobalValue)};
  return settings;
}

}  // namespace

base::Result<std::unique_ptr<MemoryQueue>> MemoryQueue::make(const Terms& terms, OnRun on_run,
                                                             base::Time now) {
  std::unique_ptr<MemoryQueue> queue(new MemoryQueue(terms, std::move(on_run)));
  if (const base::Status opened = queue->open(terms, now); !opened) return opened.error();
  return queue;
}

MemoryQueue::MemoryQueue(const Terms& terms, OnRun on_run)
    : limiter_({.seed = terms.seed, .open_max = 1}),
      on_run_(std::move(on_run)),
      total_(terms.total) {}

MemoryQueue::~MemoryQueue() = default;

base::Status MemoryQueue::open(const Terms& terms, base::Time now) {
  auto domain = domain_of(terms);
  if (!domain) return domain.error();
  const std::vector<limiter::SpecError> errors = limiter_.reload({std::move(*domain)});
  CHECK(errors.empty());
  engine::EngineOptions options;
  options.log.segment_bytes = kSegmentBytes;
  options.seed = terms.seed;
  options.declared.emplace(kQueue, settings_of(terms));
  auto opened = engine::Engine::open(std::move(options), disk_, "fetch", limiter_, now);
  if (!opened) return opened.error();
  engine_ = std::move(*opened);
  engine_->on_done([this](engine::Request& request) {
    if (&request == &taking_) {
      taken_ = true;
    } else {
      unused_.push_back(&request);
    }
  });
  limiter_.on_freed([this](uint32_t, base::Hash128 state) { freed_.push_back(state); });
  auto& taking = taking_.what.emplace<engine::Dequeue>();
  taking.queues = kQueues;
  taking.unsynced = true;
  write(now);
  return {};
}

engine::Request& MemoryQueue::request() {
  if (unused_.empty()) return requests_.emplace_back();
  engine::Request& request = *unused_.back();
  unused_.pop_back();
  request.status = {};
  return request;
}

// Nothing of such a queue waits for the log, so the answer is there at once.
void MemoryQueue::end(engine::Request& request, base::Time now) {
  engine_->run(request, now);
  engine_->release();
  CHECK(request.status.has_value());
}

queue::Number MemoryQueue::add(std::string_view host, std::string_view body, base::Time now) {
  engine::Message message;
  message.body = body;
  message.key = host;
  engine::Request& asked = request();
  engine::Enqueue& enqueue = asked.what.emplace<engine::Enqueue>();
  enqueue.queue = kQueue;
  enqueue.messages = {&message, 1};
  end(asked, now);
  return enqueue.numbers.front();
}

void MemoryQueue::done(const engine::Receipt& receipt, base::Time now) {
  engine::Request& asked = request();
  asked.what.emplace<engine::Ack>().receipts = {&receipt, 1};
  end(asked, now);
  --running_;
}

void MemoryQueue::again(const engine::Receipt& receipt, base::Time now) {
  engine::Request& asked = request();
  asked.what.emplace<engine::Nack>().receipt = receipt;
  end(asked, now);
  --running_;
}

void MemoryQueue::back(const engine::Receipt& receipt, base::Time now) {
  engine::Request& asked = request();
  asked.what.emplace<engine::Requeue>().receipt = receipt;
  end(asked, now);
  --running_;
}

std::optional<std::string> MemoryQueue::take_out(queue::Number number, base::Time now) {
  engine::Request& asked = request();
  engine::Show& show = asked.what.emplace<engine::Show>();
  show.number = number;
  engine_->run(asked, now);
  engine_->release();
  if (!asked.status || show.shown.standing.state == queue::State::kLeased) return std::nullopt;
  std::string body(engine::decode_message(show.shown.record)->body);
  engine::Request& removing = request();
  removing.what.emplace<engine::Remove>().number = number;
  end(removing, now);
  return body;
}

void MemoryQueue::write(base::Time now) {
  while (engine_->has_batch()) {
    wal::Batch batch = engine_->take(now);
    engine_->writer().run(batch);
    engine_->give_back(std::move(batch), now);
  }
}

// True: there may be more. What the cap of all together would refuse is not even asked for.
bool MemoryQueue::hand_out(base::Time now) {
  if (running_ >= total_) return false;
  auto& taking = std::get<engine::Dequeue>(taking_.what);
  taking.count = static_cast<uint32_t>(std::min<size_t>(kAtOnce, total_ - running_));
  taken_ = false;
  taking_.status = {};
  engine_->run(taking_, now);
  engine_->release();
  CHECK(taken_ && taking_.status.has_value());
  for (const engine::Delivery& each : taking.deliveries) {
    const auto message = engine::decode_message(each.record);
    CHECK(message.has_value());
    ++running_;
    on_run_({{0, each.number, each.attempt, each.start}, message->body});
  }
  const bool full = taking.deliveries.size() == taking.count;
  taking.deliveries.clear();
  return full;
}

void MemoryQueue::turn(base::Time now) {
  for (bool more = true; more || !freed_.empty();) {
    now_freed_.swap(freed_);
    for (const base::Hash128 state : now_freed_) engine_->freed(state, now);
    now_freed_.clear();
    engine_->tick(now);
    engine_->release();
    more = hand_out(now);
  }
}

base::Time MemoryQueue::due() const { return freed_.empty() ? engine_->due() : base::Time{}; }

}  // namespace fetch

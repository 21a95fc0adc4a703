// For the tests of the room: an engine over a disk in memory, told the time, with limits and one
// client that speaks in single requests.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "engine/engine.h"
#include "engine/metrics.h"
#include "engine/record.h"
#include "limiter/limiter.h"
#include "wal/memory_disk.h"

namespace engine {

// One limit, named as its key; the domain "out" of some.
inline limiter::NodeSpec node(std::string key, limiter::Law law, limit::Rate rate = {}) {
  limiter::LimitSpec spec;
  spec.name = key;
  spec.algorithm = "gcra";
  spec.law = std::move(law);
  spec.rate = rate;
  limiter::NodeSpec out;
  out.key = std::move(key);
  out.limits.push_back(std::move(spec));
  return out;
}

inline limiter::Law gcra(int64_t count, base::Duration period, int64_t burst) {
  return limit::Gcra::make({count, period}, burst).value();
}

inline std::vector<limiter::DomainSpec> domain(std::vector<limiter::NodeSpec> nodes) {
  limiter::DomainSpec out;
  out.name = "out";
  out.nodes = std::move(nodes);
  return {out};
}

struct TestBed {
  explicit TestBed(EngineOptions wanted = {}, std::vector<limiter::DomainSpec> domains = {})
      : TestBed(std::move(wanted), std::move(domains), Closed{}) {
    open();
  }
  struct Closed {};
  TestBed(EngineOptions wanted, std::vector<limiter::DomainSpec> domains, Closed)
      : options(std::move(wanted)), limits(std::move(domains)) {
    if (options.log.segment_bytes == wal::Options{}.segment_bytes)
      options.log.segment_bytes = 1 << 20;
    options.seed = 7;
    CHECK(limiter->reload(limits).empty());
  }

  void open() { open(*limiter); }
  void open(limiter::Taker& taker) {
    auto opened = Engine::open(options, disk, "shard", taker, now);
    if (!opened) {
      error = opened.error();
      return;
    }
    engine = std::move(*opened);
    engine->on_done([this](Request& request) { done.push_back(&request); });
    watch();
  }
  void watch() {
    limiter->on_freed([this](uint32_t, base::Hash128 state) { freed.push_back(state); });
    limiter->on_reload([this] { reloaded = true; });
  }
  // The process dies; the disk keeps what it must, or all of it.
  void crash(bool power_loss = true) {
    engine.reset();
    base::Random random(++crashes);
    if (power_loss) disk.crash(random);
    limiter = std::make_unique<limiter::Limiter>(limiter::LimiterOptions{});
    CHECK(limiter->reload(limits).empty());
    pending.clear();
    done.clear();
    freed.clear();
    open();
  }

  // One turn: what is due, and the log as far as it goes.
  void turn() {
    for (int i = 0; i < 1000; ++i) {
      while (!freed.empty()) {
        engine->freed(freed.front(), now);
        freed.pop_front();
      }
      if (std::exchange(reloaded, false)) engine->limits_changed(now);
      engine->tick(now);
      engine->release();
      if (auto chore = engine->take_chore()) {
        chore();
        engine->chore_done(now);
      }
      if (engine->has_batch() && syncing) {
        wal::Batch batch = engine->take(now);
        engine->writer().run(batch);
        engine->give_back(std::move(batch), now);
      } else if (freed.empty() && !(engine->due() <= now)) {
        return;
      }
      if (!syncing && freed.empty()) return;
    }
    CHECK(false);  // It never comes to rest.
  }
  void pass(base::Duration span) {
    now += span;
    turn();
  }

  // Runs a request without waiting for it; it lives in `pending`.
  template <typename What>
  Request& start(What what, uint64_t connection = 0) {
    pending.push_back(std::make_unique<Request>());
    Request& request = *pending.back();
    request.what = std::move(what);
    request.connection = connection;
    engine->run(request, now);
    return request;
  }
  bool is_done(const Request& request) const {
    return std::find(done.begin(), done.end(), &request) != done.end();
  }
  // Runs it and turns until it is answered.
  template <typename What>
  What ask(What what, uint64_t connection = 0) {
    Request& request = start(std::move(what), connection);
    turn();
    CHECK(is_done(request));
    status = request.status;
    return std::get<What>(request.what);
  }

  queue::Number enqueue(std::string_view queue, const Message& message) {
    Enqueue asked;
    asked.queue = queue;
    asked.messages = {&message, 1};
    asked = ask(asked);
    return asked.numbers.empty() ? 0 : asked.numbers.front();
  }
  queue::Number enqueue(std::string_view queue, std::string_view body) {
    Message message;
    message.body = body;
    return enqueue(queue, message);
  }
  std::vector<Delivery> dequeue(std::string_view queue, uint32_t count = 1,
                                std::optional<base::Duration> lease = {}) {
    Dequeue asked;
    asked.queues = {&queue, 1};
    asked.count = count;
    asked.lease = lease;
    return ask(asked).deliveries;
  }
  static std::string body(const Delivery& delivery) {
    return std::string(decode_message(delivery.record)->body);
  }
  std::vector<std::string> bodies(std::string_view queue, uint32_t count = 1) {
    std::vector<std::string> out;
    for (const Delivery& each : dequeue(queue, count)) out.push_back(body(each));
    return out;
  }
  Receipt receipt(const Delivery& d) const { return {options.shard, d.number, d.attempt, d.start}; }
  bool ack(const Delivery& delivery) {
    const Receipt one = receipt(delivery);
    Ack asked;
    asked.receipts = {&one, 1};
    return ask(asked).done.at(0);
  }
  bool nack(const Delivery& delivery, std::optional<base::Duration> delay = {}, bool dead = false,
            std::string_view reason = {}) {
    Nack asked;
    asked.receipt = receipt(delivery);
    asked.delay = delay;
    asked.dead = dead;
    asked.reason = reason;
    ask(asked);
    return status.has_value();
  }
  Stats stats(std::string_view queue) {
    Stats asked;
    asked.queue = queue;
    return ask(asked);
  }
  void set(std::string_view queue, std::function<void(queue::Settings&)> change) {
    SetQueue asked;
    asked.queue = queue;
    asked.change = [change](queue::Settings& settings) -> base::Status {
      change(settings);
      return {};
    };
    ask(asked);
  }

  EngineOptions options;
  std::vector<limiter::DomainSpec> limits;
  base::Time now = base::time_from(1'750'000'000'000'000'000);
  wal::MemoryDisk disk;
  std::unique_ptr<limiter::Limiter> limiter =
      std::make_unique<limiter::Limiter>(limiter::LimiterOptions{});
  std::unique_ptr<Engine> engine;
  std::optional<base::Error> error;  // Of open().
  base::Status status;               // Of the last ask().
  std::deque<std::unique_ptr<Request>> pending;
  std::vector<const Request*> done;
  std::deque<base::Hash128> freed;
  bool reloaded = false;
  bool syncing = true;
  uint64_t crashes = 0;
};

}  // namespace engine

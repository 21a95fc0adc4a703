// Two shards on two threads, and clients of the limiter on two more, over the same limits: run by
// the preset `tsan` too. Time is one shared count that a fifth thread moves on.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <thread>

#include "base/mutex.h"
#include "base/random.h"
#include "engine/engine.h"
#include "engine/test_bed.h"

namespace engine {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::seconds;

constexpr int kSlots = 3;
constexpr int kMessages = 80;  // Of each shard.

struct Shared {
  Shared() {
    limiter::DomainSpec domain;
    domain.name = "out";
    const auto add = [&](const char* key, limiter::Law law) {
      limiter::LimitSpec spec;
      spec.name = key;
      spec.algorithm = "gcra";
      spec.law = std::move(law);
      limiter::NodeSpec node;
      node.key = key;
      node.limits.push_back(std::move(spec));
      domain.nodes.push_back(std::move(node));
    };
    add("slot", limit::Concurrency::make(kSlots, hours(1)).value());
    add("rate", limit::Gcra::make({1000, seconds(1)}, 5).value());
    CHECK(limiter.reload({domain}).empty());
  }

  base::Time now() const { return base::time_from(clock.load(std::memory_order_acquire)); }

  limiter::Limiter limiter{limiter::LimiterOptions{}};
  std::atomic<int64_t> clock{1'750'000'000'000'000'000};
  std::atomic<int> held{0};  // Slots that are held, as those who hold them count.
  std::atomic<int> acked{0};
  std::atomic<bool> over{false};
};

// A shard and its only consumer, on their own thread.
class Shard {
 public:
  Shard(Shared& shared, uint32_t number) : number_(number), shared_(shared), random_(number + 1) {
    EngineOptions options;
    options.shard = number;
    options.shards = 2;
    options.log.segment_bytes = 1 << 20;
    engine_ = *Engine::open(options, disk_, "shard", shared.limiter, shared.now());
    engine_->on_done([this](Request& request) { done_.push_back(&request); });
  }

  void tell(base::Hash128 state) {
    base::Guard guard(mutex_);
    freed_.push_back(state);
  }

  void run() {
    SetQueue set;
    set.queue = "q";
    set.change = [](queue::Settings& settings) -> base::Status {
      settings.decide = {"out", {"slot=x", "rate=x"}};
      return {};
    };
    Request first;
    first.what = set;
    finish(first);
    for (int i = 0; i < kMessages; ++i) {
      Message message;
      message.body = "m";
      Enqueue asked;
      asked.queue = "q";
      asked.messages = {&message, 1};
      Request request;
      request.what = asked;
      finish(request);
    }
    int acked = 0;
    while (acked < kMessages && !shared_.over) acked += consume();
  }

 private:
  // One turn; what is done is in done_.
  void turn() {
    const base::Time now = shared_.now();
    std::deque<base::Hash128> freed;
    {
      base::Guard guard(mutex_);
      freed.swap(freed_);
    }
    for (const base::Hash128 state : freed) engine_->freed(state, now);
    engine_->tick(now);
    engine_->release();
    if (engine_->has_batch()) {
      wal::Batch batch = engine_->take(now);
      engine_->writer().run(batch);
      engine_->give_back(std::move(batch), now);
    }
  }
  bool finish(Request& request) {
    engine_->run(request, shared_.now());
    while (std::find(done_.begin(), done_.end(), &request) == done_.end()) {
      if (shared_.over) return false;
      turn();
    }
    std::erase(done_, &request);
    return true;
  }

  int consume() {
    const std::string_view name = "q";
    Dequeue asked;
    asked.queues = {&name, 1};
    asked.wait = hours(2);
    asked.lease = hours(1);  // A wake-up that is lost would wait for its end.
    asked.count = 1 + static_cast<uint32_t>(random_.below(3));
    Request request;
    request.what = asked;
    if (!finish(request)) return 0;
    const auto& got = std::get<Dequeue>(request.what).deliveries;
    const int n = static_cast<int>(got.size());
    EXPECT_LE(shared_.held.fetch_add(n) + n, kSlots);
    for (uint64_t i = random_.below(5); i > 0; --i) turn();
    shared_.held.fetch_sub(n);
    std::vector<Receipt> receipts;
    for (const Delivery& each : got)
      receipts.push_back({number_, each.number, each.attempt, each.start});
    Ack ack;
    ack.receipts = receipts;
    Request settle;
    settle.what = ack;
    if (!finish(settle)) return 0;
    shared_.acked += n;
    return n;
  }
  const uint32_t number_;
  Shared& shared_;
  base::Random random_;
  wal::MemoryDisk disk_;
  std::unique_ptr<Engine> engine_;
  std::vector<Request*> done_;
  base::Mutex mutex_;
  std::deque<base::Hash128> freed_ GUARDED_BY(mutex_);
};

// Takes and releases the same slots, as ACQUIRE and RELEASE do.
void hold_and_release(Shared& shared, uint64_t seed) {
  base::Random random(seed);
  const limiter::Entry entry{"slot", "x"};
  const limiter::Descriptor descriptor{&entry, 1};
  const limiter::Ask ask{.domain = "out", .descriptors = {&descriptor, 1}};
  while (!shared.over) {
    const auto held = shared.limiter.acquire(ask, hours(1), shared.now());
    if (held && !held->id.empty()) {
      EXPECT_LE(shared.held.fetch_add(1) + 1, kSlots);
      for (uint64_t i = random.below(50); i > 0; --i) std::this_thread::yield();
      shared.held.fetch_sub(1);
      EXPECT_TRUE(shared.limiter.release(held->id, shared.now()));
    }
    for (uint64_t i = random.below(200); i > 0; --i) std::this_thread::yield();
  }
}

TEST(EngineThreads, SharedLimitsHoldAndNoWakeUpIsLost) {
  Shared shared;
  Shard one(shared, 0), two(shared, 1);
  shared.limiter.on_freed(
      [&](uint32_t watcher, base::Hash128 state) { (watcher == 0 ? one : two).tell(state); });
  std::vector<std::thread> threads;
  threads.emplace_back([&] { one.run(); });
  threads.emplace_back([&] { two.run(); });
  for (uint64_t seed = 1; seed <= 2; ++seed)
    threads.emplace_back([&, seed] { hold_and_release(shared, seed); });
  // A wake-up that is lost waits for a hold's end: an hour, which is never reached here.
  const int64_t end = shared.clock + std::chrono::nanoseconds(std::chrono::minutes(30)).count();
  while (shared.acked < 2 * kMessages && shared.clock < end) {
    shared.clock.fetch_add(std::chrono::nanoseconds(microseconds(100)).count());
    std::this_thread::yield();
  }
  shared.over = true;
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(shared.acked, 2 * kMessages);
}

}  // namespace
}  // namespace engine

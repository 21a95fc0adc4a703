// One shard on the real disk, without sockets: what waits costs how much memory, and how long its
// turns are, with very many messages.
//
//   shard_bench [--dir DIR] [--messages N] [--keys K] [--queues Q] [--limits none|key|queue]
//               [--body BYTES] [--durability fsync|os|memory] [--cycles N] [--hosts H]
//
// With H above 0 the queues are pushed to H hosts, in turn, a thousand requests to each at a time.
//
// Fills the queues with N messages; runs N cycles (enqueue, dequeue, ack) on top of them; takes a
// snapshot; restarts from the log alone and from the snapshot; purges. After each part: time an
// operation, the turns' histogram (p50, p99, p99.9, longest), resident bytes. A turn takes up to
// 256 requests, as the server's do when a connection pipelines.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "engine/engine.h"
#include "engine/metrics.h"
#include "engine/record.h"
#include "engine/template.h"
#include "io/io.h"
#include "io/posix_disk.h"
#include "limiter/limiter.h"

namespace {

using Steady = std::chrono::steady_clock;

struct Arguments {
  std::string dir = "shard_bench.data";
  uint64_t messages = 1'000'000, keys = 0, queues = 1, cycles = 200'000, hosts = 0;
  size_t body = 128;
  std::string limits = "none", durability = "os";
};

double resident_bytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  long total = 0, pages = 0;
  CHECK(file != nullptr && std::fscanf(file, "%ld %ld", &total, &pages) == 2);
  std::fclose(file);
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

class Bench {
 public:
  explicit Bench(Arguments arguments) : args_(std::move(arguments)), disk_(args_.dir) {
    options_.seed = 1;
    options_.snapshot_after_bytes = ~uint64_t{0} >> 1;  // Only when asked for.
    const queue::Durability names[] = {queue::Durability::kFsync, queue::Durability::kOs,
                                       queue::Durability::kMemory};
    options_.defaults.durability = names[args_.durability == "os"       ? 1
                                         : args_.durability == "memory" ? 2
                                                                        : 0];
    if (args_.limits != "none") {
      options_.defaults.decide = {"bench", {args_.limits == "key" ? "key={key}" : "queue={queue}"}};
    }
    if (args_.hosts > 0) options_.defaults.push.url = "{header:url}";
    CHECK(limiter_.reload({domain(), outbound()}).empty());
    base_bytes_ = resident_bytes();
  }

  void run() {
    report("open", 1, [&] { open(); });
    report("enqueue", args_.messages, [&] { enqueue(args_.messages); });
    memory();
    report("cycle", args_.cycles, [&] { cycles(args_.cycles); });
    if (args_.durability != "memory") {
      engine_.reset();
      report("restart from the log", 1, [&] { open(); });
      snapshot();
      engine_.reset();
      report("restart from a snapshot", 1, [&] { open(); });
      memory();
      report("cycle", args_.cycles, [&] { cycles(args_.cycles); });
    }
    report("purge", args_.messages, [&] { purge(); });
    std::printf("%-26s %.0f MB resident\n", "after the purge", resident_bytes() / 1e6);
  }

 private:
  limiter::DomainSpec domain() const {
    limiter::DomainSpec out;
    out.name = "bench";
    for (const char* const key : {"key", "queue"}) {
      limiter::LimitSpec spec;
      spec.name = key;
      spec.algorithm = "gcra";
      // By key: one a day, so that all keys are blocked. By queue: as good as free.
      spec.rate = std::string(key) == "key" ? limit::Rate{1, std::chrono::hours(24)}
                                            : limit::Rate{1'000'000'000, std::chrono::seconds(1)};
      spec.law = limit::Gcra::make(spec.rate, std::string(key) == "key" ? 1 : 1'000'000).value();
      limiter::NodeSpec node;
      node.key = key;
      node.limits.push_back(std::move(spec));
      out.nodes.push_back(std::move(node));
    }
    return out;
  }

  static limiter::DomainSpec outbound() {
    limiter::DomainSpec out;
    out.name = engine::kOutbound;
    for (const auto& [key, cap] :
         {std::pair(engine::kHostKey, 1000), std::pair(engine::kGlobalKey, 100'000)}) {
      limiter::LimitSpec spec;
      spec.name = key;
      spec.algorithm = "concurrency";
      spec.law = limit::Concurrency::make(cap, std::chrono::hours(1)).value();
      limiter::NodeSpec node;
      node.key = key;
      node.limits.push_back(std::move(spec));
      out.nodes.push_back(std::move(node));
    }
    return out;
  }

  void open() {
    auto opened = engine::Engine::open(options_, disk_, "shard", limiter_, now());
    if (!opened) std::fprintf(stderr, "%s\n", opened.error().what.c_str());
    CHECK(opened);
    engine_ = std::move(*opened);
    engine_->on_done([this](engine::Request&) { ++answered_; });
  }

  base::Time now() const {
    return base::time_from(std::chrono::system_clock::now().time_since_epoch().count());
  }

  void turn() {
    const auto began = Steady::now();
    const base::Time at = now();
    for (engine::Request& request : requests_) engine_->run(request, at);
    engine_->tick(at);
    engine_->release();
    turns_.push_back(static_cast<uint32_t>((Steady::now() - began).count() / 1000));
    write();
  }

  void write() {
    for (int rounds = 0; rounds < 2 || answered_ < requests_.size(); ++rounds) {
      if (auto chore = engine_->take_chore()) {
        chore();
        engine_->chore_done(now());
      }
      if (engine_->has_batch()) {
        wal::Batch batch = engine_->take(now());
        engine_->writer().run(batch);
        const auto began = Steady::now();
        engine_->give_back(std::move(batch), now());
        turns_.push_back(static_cast<uint32_t>((Steady::now() - began).count() / 1000));
      } else if (answered_ >= requests_.size()) {
        break;
      } else {
        engine_->tick(now());
        engine_->release();
      }
    }
    CHECK(engine_->status());
    requests_.clear();
    answered_ = 0;
  }

  std::string_view queue_name(uint64_t i) {
    names_.push_back("q" + std::to_string(i % args_.queues));
    return names_.back();
  }

  void enqueue(uint64_t count) {
    const std::string body(args_.body, 'x');
    std::vector<engine::Message> messages(kTurn);
    std::vector<std::string> keys(kTurn), urls(kTurn);
    std::vector<engine::Header> headers(kTurn);
    for (uint64_t done = 0; done < count;) {
      names_.clear();
      names_.reserve(kTurn);
      const size_t n = std::min<uint64_t>(kTurn, count - done);
      for (size_t i = 0; i < n; ++i, ++done, ++sent_) {
        messages[i].body = body;
        if (args_.keys > 0) {
          keys[i] = "key:" + std::to_string(sent_ % args_.keys);
          messages[i].key = keys[i];
        }
        if (args_.hosts > 0) {
          urls[i] = "http://host" + std::to_string(sent_ % args_.hosts) + ".test/";
          headers[i] = {"url", urls[i]};
          messages[i].headers = {&headers[i], 1};
        }
        engine::Enqueue asked;
        asked.queue = queue_name(sent_);
        asked.messages = {&messages[i], 1};
        requests_.emplace_back().what = std::move(asked);
      }
      turn();
    }
  }

  void cycles(uint64_t count) {
    for (uint64_t done = 0; done < count; done += kTurn) {
      enqueue(kTurn);
      std::vector<engine::Receipt> receipts;
      const std::string name = "q" + std::to_string(done / kTurn % args_.queues);
      const std::string_view view = name;
      engine::Dequeue asked;
      asked.queues = {&view, 1};
      asked.count = kTurn;
      requests_.emplace_back().what = std::move(asked);
      std::vector<engine::Request> kept;
      run_keeping(kept);
      for (const engine::Delivery& d : std::get<engine::Dequeue>(kept.front().what).deliveries)
        receipts.push_back({0, d.number, d.attempt, d.start});
      engine::Ack ack;
      ack.receipts = receipts;
      requests_.emplace_back().what = std::move(ack);
      turn();
    }
  }

  // As turn(), but the requests are handed out when they are answered.
  void run_keeping(std::vector<engine::Request>& kept) {
    const auto began = Steady::now();
    const base::Time at = now();
    for (engine::Request& request : requests_) engine_->run(request, at);
    engine_->tick(at);
    engine_->release();
    turns_.push_back(static_cast<uint32_t>((Steady::now() - began).count() / 1000));
    while (answered_ < requests_.size()) {
      CHECK(engine_->has_batch());
      wal::Batch batch = engine_->take(now());
      engine_->writer().run(batch);
      engine_->give_back(std::move(batch), now());
    }
    kept.swap(requests_);
    requests_.clear();
    answered_ = 0;
  }

  void snapshot() {
    options_.snapshot_after_bytes = 0;
    engine_.reset();
    open();
    const uint64_t before = engine_->metrics().snapshots.value();
    report("snapshot", args_.messages, [&] {
      enqueue(1);
      while (engine_->metrics().snapshots.value() == before) turn();
    });
    options_.snapshot_after_bytes = ~uint64_t{0} >> 1;
  }

  void purge() {
    for (uint64_t i = 0; i < args_.queues; ++i) {
      names_.clear();
      engine::Purge asked;
      asked.queue = queue_name(i);
      requests_.emplace_back().what = std::move(asked);
      turn();
    }
    while (engine_->due() <= now()) turn();
    malloc_trim(0);
  }

  void memory() const {
    const double bytes = resident_bytes() - base_bytes_;
    std::printf("%-26s %.0f MB resident, %.1f bytes a message", "memory", bytes / 1e6,
                bytes / static_cast<double>(args_.messages));
    if (args_.keys > 0) std::printf(", %.0f a key", bytes / static_cast<double>(args_.keys));
    std::printf("\n");
  }

  template <typename Part>
  void report(const char* what, uint64_t operations, Part&& part) {
    turns_.clear();
    const auto began = Steady::now();
    part();
    const double seconds = std::chrono::duration<double>(Steady::now() - began).count();
    std::sort(turns_.begin(), turns_.end());
    std::printf("%-26s %.3f s", what, seconds);
    if (operations > 1)
      std::printf(", %.0f ns each", seconds * 1e9 / static_cast<double>(operations));
    if (!turns_.empty()) {
      const auto at = [&](double share) {
        return turns_[std::min(turns_.size() - 1,
                               static_cast<size_t>(share * static_cast<double>(turns_.size())))];
      };
      std::printf("; %zu turns, us: p50 %u p99 %u p99.9 %u longest %u", turns_.size(), at(0.5),
                  at(0.99), at(0.999), turns_.back());
    }
    std::printf("\n");
    std::fflush(stdout);
  }

  static constexpr size_t kTurn = 256;
  const Arguments args_;
  io::PosixDisk disk_;
  engine::EngineOptions options_;
  limiter::Limiter limiter_{limiter::LimiterOptions{}};
  std::unique_ptr<engine::Engine> engine_;
  std::vector<engine::Request> requests_;
  std::vector<std::string> names_;
  std::vector<uint32_t> turns_;  // Microseconds.
  size_t answered_ = 0;
  uint64_t sent_ = 0;
  double base_bytes_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Arguments args;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--dir") args.dir = value;
    if (name == "--messages") args.messages = std::stoull(value);
    if (name == "--keys") args.keys = std::stoull(value);
    if (name == "--queues") args.queues = std::stoull(value);
    if (name == "--limits") args.limits = value;
    if (name == "--body") args.body = std::stoull(value);
    if (name == "--durability") args.durability = value;
    if (name == "--hosts") args.hosts = std::stoull(value);
    if (name == "--cycles") args.cycles = std::stoull(value);
  }
  std::filesystem::create_directories(args.dir);
  Bench(args).run();
  std::filesystem::remove_all(args.dir);
}

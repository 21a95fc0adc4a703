// Decisions of one GCRA limit through the table, keys as text: their hash is part of the time.
//
//   table_bench --benchmark_repetitions=15 --benchmark_report_aggregates_only=true
//
//   table_bench --sweep 100000000           the curve of bench/run: 1, 10, … keys up to so many
//
// The first gives medians of CPU time. Beside them: bytes_per_key after filling; of the inserts
// that filled the table the slowest (CPU time, page faults included) and the most slots moved.
//
// What limits: 2,000 keys the hash (9 ns), the lock (8 ns) and a division; a million keys one at a
// time the latency of memory; batches its bandwidth (four lines a decision, one of them written
// back), and at ten million the walks of page tables.
#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "base/wide.h"
#include "limiter/law.h"
#include "limiter/table.h"

namespace {

using limiter::Hit;
using limiter::Purpose;
using limiter::Table;

constexpr uint64_t kSeed = 0x5eed;
constexpr size_t kBatch = 32;
constexpr int64_t kStart = 1'700'000'000'000'000'000;

int64_t cpu_ns() {  // Of this thread: what others take of the machine does not count.
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

// "user:000123456", where a parser would have it: in the cache.
class Text {
 public:
  static constexpr uint64_t kNumbers = 1'000'000'000;
  explicit Text(uint64_t number) {  // REQUIRES: number < kNumbers.
    std::memcpy(bytes_.data(), "user:", 5);
    write(5, number / 1'000'000);
    write(8, number / 1'000 % 1'000);
    write(11, number % 1'000);
  }
  base::Hash128 hash() const { return base::hash128({bytes_.data(), bytes_.size()}, kSeed); }

 private:
  using Digits = std::array<char, 3>;
  void write(size_t at, uint64_t number) {
    static constexpr std::array<Digits, 1'000> kDigits = [] {
      std::array<Digits, 1'000> all{};
      for (size_t i = 0; i < all.size(); ++i) {
        all[i] = {static_cast<char>('0' + i / 100), static_cast<char>('0' + i / 10 % 10),
                  static_cast<char>('0' + i % 10)};
      }
      return all;
    }();
    std::memcpy(bytes_.data() + at, kDigits[number].data(), 3);
  }
  std::array<char, 14> bytes_;
};

// Random ones of `count` keys from `first` on. The texts of few keys are written before the clock
// runs; those of many are made on the way, some at a time, as if they were being read. The first
// two benchmarks say how much of the time all this is.
class Keys {
 public:
  Keys(uint64_t first, uint64_t count, uint64_t seed)
      : first_(first), count_(count), random_(seed), few_(count <= kFew) {
    for (uint64_t i = 0; few_ && i < count; ++i) texts_.emplace_back(first + i);
    if (!few_) texts_.assign(kAhead, Text(0));
  }
  base::Hash128 next() {
    if (few_) return texts_[below_count()].hash();
    if (i_ % kAhead == 0) {
      for (Text& text : texts_) text = Text(first_ + below_count());
    }
    return texts_[i_++ % kAhead].hash();
  }

 private:
  static constexpr uint64_t kFew = 4'096;
  static constexpr size_t kAhead = 128;

  uint64_t below_count() {
    return static_cast<uint64_t>(base::Uint128{random_.next()} * count_ >> 64);
  }

  uint64_t first_, count_;
  base::Random random_;
  bool few_;
  std::vector<Text> texts_;
  size_t i_ = 0;
};

// A table with `count` keys that are not idle.
struct Filled {
  explicit Filled(uint64_t count)
      : keys(count), table({.memory_bytes_max = size_t{16} << 30}, laws) {
    law_number = *laws.number(law);
    int64_t worst = 0;
    int64_t before = cpu_ns();
    for (uint64_t i = 0; i < count; ++i) {
      decide(Text(i).hash(), base::time_from(kStart));
      const int64_t after = cpu_ns();
      worst = std::max(worst, after - before);
      before = after;
    }
    worst_us = static_cast<double>(worst) / 1e3;
    bytes_per_key = static_cast<double>(table.size().bytes) / static_cast<double>(count);
  }
  bool decide(base::Hash128 key, base::Time at) {
    const Hit hit{.key = key, .law = &law, .law_number = law_number};
    limit::Decision decision;
    return table.decide({&hit, 1}, at, Purpose::kCharge, {&decision, 1});
  }

  const uint64_t keys;
  std::atomic<int64_t> now = kStart;
  limiter::Laws laws;
  const limiter::Law law = *limit::Gcra::make({100, std::chrono::seconds(1)}, 200);
  limiter::LawNumber law_number = limiter::kAdHoc;
  Table table;
  double worst_us = 0;
  double bytes_per_key = 0;
};

Filled& filled(uint64_t count) {  // One at a time: ten million keys are 430 MB.
  static std::unique_ptr<Filled> table;
  if (table == nullptr || table->keys != count) {
    table.reset();
    table = std::make_unique<Filled>(count);
  }
  return *table;
}

// Time goes on by so much that a key is asked about 50 times a second, so most are allowed.
class Pace {
 public:
  Pace(Filled& full, uint64_t keys)
      : full_(full), step_(20'000'000.0 / static_cast<double>(keys)) {}
  ~Pace() { full_.now = std::max(full_.now.load(), base::nanoseconds(now())); }
  Pace(const Pace&) = delete;
  Pace& operator=(const Pace&) = delete;
  base::Time now() const { return base::time_from(start_ + static_cast<int64_t>(passed_)); }
  void pass(uint64_t decisions) { passed_ += step_ * static_cast<double>(decisions); }

 private:
  Filled& full_;
  const int64_t start_ = full_.now;
  const double step_;
  double passed_ = 0;
};

void report(benchmark::State& state, const Filled& full, uint64_t allowed) {
  state.SetItemsProcessed(state.iterations());
  state.counters["allowed"] =
      static_cast<double>(allowed) / static_cast<double>(state.iterations());
  state.counters["bytes_per_key"] = full.bytes_per_key;
  state.counters["worst_insert_us"] = full.worst_us;
  state.counters["slots_moved"] = static_cast<double>(full.table.size().moved_max);
}

void one_at_a_time(benchmark::State& state, uint64_t count) {
  Filled& full = filled(count);
  Keys keys(0, count, 1);
  Pace pace(full, count);
  uint64_t allowed = 0;
  for (auto _ : state) {
    allowed += full.decide(keys.next(), pace.now());
    pace.pass(1);
  }
  report(state, full, allowed);
}

uint64_t decide_batch(Filled& full, Keys& keys, base::Time now) {
  std::array<base::Hash128, kBatch> hashes;
  for (base::Hash128& hash : hashes) {
    hash = keys.next();
    full.table.prefetch_segment(hash);
  }
  for (const base::Hash128 hash : hashes) full.table.prefetch_slot(hash);
  uint64_t allowed = 0;
  for (const base::Hash128 hash : hashes) allowed += full.decide(hash, now);
  return allowed;
}

uint64_t decide_batches(benchmark::State& state, Filled& full, uint64_t first, uint64_t count) {
  Keys keys(first, count, first + 2);
  Pace pace(full, count);
  uint64_t allowed = 0;
  while (state.KeepRunningBatch(kBatch)) {
    allowed += decide_batch(full, keys, pace.now());
    pace.pass(kBatch);
  }
  return allowed;
}

void batches(benchmark::State& state, uint64_t count) {
  Filled& full = filled(count);
  report(state, full, decide_batches(state, full, 0, count));
}

void hashing(benchmark::State& state, uint64_t count) {
  Keys keys(0, count, 1);
  for (auto _ : state) benchmark::DoNotOptimize(keys.next());
}
void HashingOneOfTwoThousand(benchmark::State& state) { hashing(state, 2'000); }
void HashingOneOfAMillion(benchmark::State& state) { hashing(state, 1'000'000); }
void TableTwoThousandKeys(benchmark::State& state) { one_at_a_time(state, 2'000); }
void TwoThousandKeysBatch32(benchmark::State& state) { batches(state, 2'000); }
void MillionKeysOneAtATime(benchmark::State& state) { one_at_a_time(state, 1'000'000); }
void MillionKeysBatch32(benchmark::State& state) { batches(state, 1'000'000); }
void TenMillionKeysBatch32(benchmark::State& state) { batches(state, 10'000'000); }

BENCHMARK(HashingOneOfTwoThousand);
BENCHMARK(HashingOneOfAMillion);
BENCHMARK(TableTwoThousandKeys);
BENCHMARK(TwoThousandKeysBatch32);
BENCHMARK(MillionKeysOneAtATime);
BENCHMARK(MillionKeysBatch32);
BENCHMARK(TenMillionKeysBatch32);

// Each thread asks for keys of its own, in batches; they share all segments.
void TwoThreads(benchmark::State& state) {
  constexpr uint64_t kKeys = 1'000'000;
  static Filled* full = nullptr;
  if (state.thread_index() == 0) full = &filled(kKeys);
  // The first KeepRunningBatch() is a barrier, so `full` is there for all behind it.
  const auto own = kKeys / static_cast<uint64_t>(state.threads());
  const auto first = own * static_cast<uint64_t>(state.thread_index());
  Keys keys(first, own, first + 2);
  int64_t passed = 0;
  uint64_t allowed = 0;
  while (state.KeepRunningBatch(kBatch)) {
    const base::Time now = base::time_from(full->now + passed);
    allowed += decide_batch(*full, keys, now);
    passed += static_cast<int64_t>(kBatch * 20'000'000 / own);
  }
  benchmark::DoNotOptimize(allowed);
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) full->now += passed;
}
BENCHMARK(TwoThreads)->Threads(1)->Threads(2)->UseRealTime();

// Powers of ten up to `keys_max`, each filled once. A hundred million keys are 5 GB.
void add_sweep(uint64_t keys_max) {
  for (uint64_t keys = 1; keys <= keys_max; keys *= 10) {
    const std::string of = "/" + std::to_string(keys);
    benchmark::RegisterBenchmark(("Sweep/one" + of).c_str(), one_at_a_time, keys);
    benchmark::RegisterBenchmark(("Sweep/batch" + of).c_str(), batches, keys);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && std::string_view(argv[1]) == "--sweep") {
    benchmark::ClearRegisteredBenchmarks();
    add_sweep(std::strtoull(argv[2], nullptr, 10));
    argc -= 2;
    argv += 2;
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}

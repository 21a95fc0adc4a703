// Decisions of one GCRA limit through the table, keys as text: the hash is part of the time.
//
//   --benchmark_repetitions=7 --benchmark_report_aggregates_only=true   medians
//
// What limits each on the machine that README's numbers come from is written in docs/.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <string_view>
#include <thread>

#include "base/check.h"
#include "base/hash.h"
#include "base/random.h"
#include "limiter/law.h"
#include "limiter/table.h"

namespace {

using limiter::Hit;
using limiter::Purpose;
using limiter::Table;

constexpr uint64_t kSeed = 0x5eed;
constexpr size_t kBatch = 32;
constexpr int64_t kStart = 1'700'000'000'000'000'000;

// "user:123456", without an allocation.
class Text {
 public:
  explicit Text(uint64_t number) {
    std::memcpy(bytes_.data(), "user:", 5);
    end_ = std::to_chars(bytes_.data() + 5, bytes_.data() + bytes_.size(), number).ptr;
  }
  base::Hash128 hash() const {
    return base::hash128({bytes_.data(), static_cast<size_t>(end_ - bytes_.data())}, kSeed);
  }

 private:
  std::array<char, 32> bytes_;
  char* end_;
};

// Keys in random order, written out before the clock runs.
class Keys {
 public:
  static constexpr size_t kCount = 1 << 20;
  Keys(uint64_t first, uint64_t count, uint64_t seed) : texts_(kCount * kBytes) {
    base::Random random(seed);
    for (size_t i = 0; i < kCount; ++i) {
      char* const at = &texts_[i * kBytes];
      std::memcpy(at, "user:", 5);
      char* const end = std::to_chars(at + 5, at + kBytes - 1, first + random.below(count)).ptr;
      at[kBytes - 1] = static_cast<char>(end - at);
    }
  }
  base::Hash128 hash(size_t i) const {
    const char* const at = &texts_[i % kCount * kBytes];
    return base::hash128({at, static_cast<size_t>(at[kBytes - 1])}, kSeed);
  }

 private:
  static constexpr size_t kBytes = 24;
  std::vector<char> texts_;
};

// A table with `count` keys that are not idle.
struct Filled {
  explicit Filled(uint64_t count) : table({.memory_bytes_max = size_t{4} << 30}, laws) {
    // As 100 per second with a burst of 200, and so that filling keeps every key.
    law_number = *laws.number(law);
    base::Duration worst{};
    for (uint64_t i = 0; i < count; ++i) {
      const auto start = std::chrono::steady_clock::now();
      decide(Text(i).hash(), base::time_from(kStart));
      worst = std::max<base::Duration>(worst, std::chrono::steady_clock::now() - start);
    }
    worst_us = static_cast<double>(worst.count()) / 1e3;
    bytes_per_key = static_cast<double>(table.size().bytes) / static_cast<double>(count);
  }
  bool decide(base::Hash128 key, base::Time now) {
    const Hit hit{.key = key, .law = &law, .law_number = law_number};
    limit::Decision decision;
    return table.decide({&hit, 1}, now, Purpose::kCharge, {&decision, 1});
  }
  void report(benchmark::State& state) const {
    state.SetItemsProcessed(state.iterations());
    state.counters["bytes_per_key"] = bytes_per_key;
    state.counters["worst_insert_us"] = worst_us;
    state.counters["slots_moved"] = static_cast<double>(table.size().moved_max);
  }

  limiter::Laws laws;
  const limiter::Law law = *limit::Gcra::make({100, std::chrono::seconds(1)}, 200);
  limiter::LawNumber law_number;
  Table table;
  double worst_us = 0;
  double bytes_per_key = 0;
};

Filled& filled(uint64_t count) {  // One at a time: ten million keys are 430 MB.
  static std::unique_ptr<Filled> table;
  static uint64_t of = 0;
  if (of != count) {
    table.reset();
    table = std::make_unique<Filled>(count);
    of = count;
  }
  return *table;
}

// An instant for the i-th decision: a key of 2,000 is asked about 100 times a second.
base::Time instant(size_t i, uint64_t keys) {
  return base::time_from(kStart + static_cast<int64_t>(i * (10'000'000 / keys + 1)));
}

void one_at_a_time(benchmark::State& state, uint64_t count) {
  Filled& full = filled(count);
  const Keys keys(0, count, 1);
  size_t i = 0;
  uint64_t allowed = 0;
  for (auto _ : state) {
    allowed += full.decide(keys.hash(i), instant(i, count));
    ++i;
  }
  full.report(state);
  state.counters["allowed"] = static_cast<double>(allowed) / static_cast<double>(i);
}

uint64_t decide_batch(Filled& full, const Keys& keys, size_t first, base::Time now) {
  std::array<base::Hash128, kBatch> hashes;
  for (size_t j = 0; j < kBatch; ++j) {
    hashes[j] = keys.hash(first + j);
    full.table.prefetch_segment(hashes[j]);
  }
  for (const auto& hash : hashes) full.table.prefetch_slot(hash);
  uint64_t allowed = 0;
  for (const auto& hash : hashes) allowed += full.decide(hash, now);
  return allowed;
}

void batches(benchmark::State& state, uint64_t count) {
  Filled& full = filled(count);
  const Keys keys(0, count, 2);
  size_t i = 0;
  uint64_t allowed = 0;
  while (state.KeepRunningBatch(kBatch)) {
    allowed += decide_batch(full, keys, i, instant(i, count));
    i += kBatch;
  }
  full.report(state);
  state.counters["allowed"] = static_cast<double>(allowed) / static_cast<double>(i);
}

void TableTwoThousandKeys(benchmark::State& state) { one_at_a_time(state, 2'000); }
void TwoThousandKeysBatch32(benchmark::State& state) { batches(state, 2'000); }
void MillionKeysOneAtATime(benchmark::State& state) { one_at_a_time(state, 1'000'000); }
void MillionKeysBatch32(benchmark::State& state) { batches(state, 1'000'000); }
void TenMillionKeysBatch32(benchmark::State& state) { batches(state, 10'000'000); }

BENCHMARK(TableTwoThousandKeys);
BENCHMARK(TwoThousandKeysBatch32);
BENCHMARK(MillionKeysOneAtATime);
BENCHMARK(MillionKeysBatch32);
BENCHMARK(TenMillionKeysBatch32);

// Each thread asks for its own half of a million keys, in batches; the other half's segments are
// the same ones.
void TwoThreads(benchmark::State& state) {
  constexpr uint64_t kKeys = 1'000'000;
  static Filled* full = nullptr;
  if (state.thread_index() == 0) full = &filled(kKeys);
  const uint64_t own = kKeys / static_cast<uint64_t>(state.threads());
  const auto thread = static_cast<uint64_t>(state.thread_index());
  const Keys keys(own * thread, own, thread + 3);
  size_t i = 0;
  uint64_t allowed = 0;
  while (state.KeepRunningBatch(kBatch)) {
    allowed += decide_batch(*full, keys, i, instant(i, own));
    i += kBatch;
  }
  state.SetItemsProcessed(state.iterations());
  benchmark::DoNotOptimize(allowed);
}
BENCHMARK(TwoThreads)->Threads(1)->Threads(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();

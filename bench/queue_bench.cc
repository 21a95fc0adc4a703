// The queues of a shard in memory, without log or limits: a cycle is enqueue, next, lease, remove.
//
//   queue_bench --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
//
// Arguments: messages that wait, keys they are spread over (1: no key). A cycle leaves as many
// waiting as before: what it enqueues goes to the end, what it leases is the next.
// bytes_per_message and bytes_per_key are by the store's own count, rss_per_message by the
// kernel's.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <memory>
#include <string_view>

#include "queue/queue.h"

namespace {

using queue::Number;

constexpr base::Time kNow = base::time_from(1'700'000'000'000'000'000);
constexpr base::Time kUntil = kNow + std::chrono::seconds(30);

size_t resident() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  size_t total = 0, pages = 0;
  if (std::fscanf(file, "%zu %zu", &total, &pages) != 2) pages = 0;
  std::fclose(file);
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

class Bed {
 public:
  explicit Bed(uint64_t keys) : keys_(keys) { store_.set_queue(1, "bench", {}); }

  void enqueue() {
    char text[24] = "key:";
    const uint64_t key = number_ % keys_;
    const char* end = keys_ == 1 ? text : std::to_chars(text + 4, text + sizeof text, key).ptr;
    store_.enqueue({.queue = 1,
                    .number = ++number_,
                    .key = {text, static_cast<size_t>(end - text)},
                    .descriptors = {},
                    .enqueued = kNow,
                    .place = number_ * 200,
                    .bytes = 128});
  }
  Number lease() {
    const queue::FlowId flow = store_.next(1);
    const Number head = store_.flow(flow).head;
    store_.move(head, {.state = queue::State::kLeased, .at = kUntil, .delivered = 1});
    return head;
  }
  queue::Store& store() { return store_; }

 private:
  const uint64_t keys_;
  Number number_ = 0;
  uint64_t gone_ = 0;
  queue::Store store_{[this](queue::Place, uint32_t bytes) { gone_ += bytes; }};
};

void cycle(benchmark::State& state) {
  const auto waiting = static_cast<uint64_t>(state.range(0));
  const auto keys = static_cast<uint64_t>(state.range(1));
  malloc_trim(0);
  const size_t before = resident();
  auto bed = std::make_unique<Bed>(keys);
  for (uint64_t i = 0; i < waiting; ++i) bed->enqueue();
  const auto count = static_cast<double>(waiting);
  state.counters["bytes_per_message"] = static_cast<double>(bed->store().memory_bytes()) / count;
  state.counters["rss_per_message"] = static_cast<double>(resident() - before) / count;
  for (auto _ : state) {
    bed->enqueue();
    bed->store().remove(bed->lease());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(cycle)
    ->Args({1'000, 1})
    ->Args({1'000'000, 1})
    ->Args({10'000'000, 1})
    ->Args({1'000'000, 1'000})
    ->Args({1'000'000, 1'000'000})
    ->Args({10'000'000, 1'000})
    ->Args({10'000'000, 1'000'000});

// A hundred are leased before they are acknowledged, as consumers do that ask for many.
void cycles_of_hundred(benchmark::State& state) {
  Bed bed(static_cast<uint64_t>(state.range(1)));
  for (int64_t i = 0; i < state.range(0); ++i) bed.enqueue();
  Number leased[100];
  for (auto _ : state) {
    for (int i = 0; i < 100; ++i) bed.enqueue();
    for (Number& number : leased) number = bed.lease();
    for (const Number number : leased) bed.store().remove(number);
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(cycles_of_hundred)->Args({1'000, 1})->Args({1'000'000, 1})->Args({1'000'000, 1'000'000});

// A queue that is empty between the cycles: its key and its flow come and vanish each time.
void cycle_of_an_empty_queue(benchmark::State& state) {
  Bed bed(1);
  for (auto _ : state) {
    bed.enqueue();
    bed.store().remove(bed.lease());
  }
}
BENCHMARK(cycle_of_an_empty_queue);

void dedup(benchmark::State& state) {
  const auto ids = static_cast<uint64_t>(state.range(0));
  queue::Store store([](queue::Place, uint32_t) {});
  uint64_t next = 0;
  const auto remember = [&] {
    const auto until = kNow + std::chrono::nanoseconds(++next);
    store.remember({next * 0x9e3779b97f4a7c15u, next}, next, until);
  };
  while (next < ids) remember();
  state.counters["bytes_per_id"] =
      static_cast<double>(store.memory_bytes()) / static_cast<double>(ids);
  for (auto _ : state) {
    remember();
    store.reap(kNow + std::chrono::nanoseconds(next - ids), 2);
  }
}
BENCHMARK(dedup)->Arg(1'000'000);

}  // namespace

BENCHMARK_MAIN();

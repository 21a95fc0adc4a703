// Decisions per second through Limiter and Batch, one thread: the whole way from an ask to its
// answer, without a protocol. Arguments: keys, asks in a batch.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "limiter/limiter.h"

namespace {

using limiter::Batch;
using limiter::Descriptor;
using limiter::Entry;

constexpr int64_t kRate = 1000, kBurst = 1000;

std::vector<std::string> names(int64_t n) {
  std::vector<std::string> all;
  for (int64_t i = 0; i < n; ++i) all.push_back("user:" + std::to_string(i * 7919));
  return all;
}

limit::Gcra law() { return limit::Gcra::make({kRate, std::chrono::seconds(1)}, kBurst).value(); }

// Calls `add(batch, key)` for random keys and decides, batch after batch; the clock moves a
// microsecond a batch.
template <typename Add>
void run(benchmark::State& state, limiter::Limiter& limiter, Add add) {
  const auto keys = static_cast<uint64_t>(state.range(0));
  const int64_t size = state.range(1);
  base::Random random(1);
  Batch batch;
  int64_t now = 1'700'000'000'000'000'000;
  for (auto _ : state) {
    batch.clear();
    for (int64_t i = 0; i < size; ++i) add(batch, random.below(keys));
    limiter.decide(batch, base::time_from(now += 1000));
    benchmark::DoNotOptimize(batch.answer(0).allowed);
  }
  state.SetItemsProcessed(state.iterations() * size);
}

void throttle(benchmark::State& state) {
  limiter::Limiter limiter({.seed = 1});
  const auto keys = names(state.range(0));
  const limit::Gcra gcra = law();
  run(state, limiter, [&](Batch& batch, uint64_t key) { batch.add_throttle(keys[key], gcra, 1); });
}

void domain(benchmark::State& state) {
  limiter::Limiter limiter({.seed = 1});
  limiter::DomainSpec spec;
  spec.name = "api";
  limiter::NodeSpec& node = spec.nodes.emplace_back();
  node.key = "client_ip";
  limiter::LimitSpec& limit = node.limits.emplace_back();
  limit.law = law();
  std::vector<limiter::DomainSpec> specs;
  specs.push_back(std::move(spec));
  if (!limiter.reload(std::move(specs)).empty()) return state.SkipWithError("reload");
  const auto keys = names(state.range(0));
  std::vector<Entry> entries;
  for (const std::string& key : keys) entries.push_back({"client_ip", key});
  std::vector<Descriptor> descriptors;
  for (const Entry& entry : entries) descriptors.push_back({&entry, 1});
  run(state, limiter, [&](Batch& batch, uint64_t key) {
    batch.add({.domain = "api", .descriptors = {&descriptors[key], 1}});
  });
}

void sizes(benchmark::internal::Benchmark* bench) {
  for (const int64_t keys : {2'000, 1'000'000}) {
    for (const int64_t size : {1, 32}) bench->Args({keys, size});
  }
}

BENCHMARK(throttle)->Apply(sizes)->MinTime(0.5);
BENCHMARK(domain)->Apply(sizes)->MinTime(0.5);

}  // namespace

BENCHMARK_MAIN();

// Decisions per second through Limiter and Batch, one thread: the whole way from an ask to its
// answer, without a protocol. Arguments: keys, asks in a batch.
#include <benchmark/benchmark.h>

#include <array>
#include <charconv>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "limiter/limiter.h"

namespace {

using limiter::Batch;
using limiter::Descriptor;
using limiter::Entry;

// The clock stands still and the burst has no end in sight: no state falls idle, none refuses.
constexpr int64_t kRate = 1000, kBurst = 1'000'000'000;
constexpr base::Time kNow = base::time_from(1'700'000'000'000'000'000);

// The texts of one batch, as a session's read buffer holds them: already in the cache.
class Texts {
 public:
  explicit Texts(size_t size) : texts_(size) {}
  std::string_view write(size_t i, uint64_t key) {
    char* const begin = texts_[i].data();
    std::memcpy(begin, "user:", 5);
    char* const end = std::to_chars(begin + 5, begin + texts_[i].size(), key * 7919).ptr;
    return {begin, static_cast<size_t>(end - begin)};
  }

 private:
  std::vector<std::array<char, 32>> texts_;
};

limit::Gcra law() { return limit::Gcra::make({kRate, std::chrono::seconds(1)}, kBurst).value(); }

// Calls `add(batch, i, text)` for random keys and decides, batch after batch.
template <typename Add>
void run(benchmark::State& state, limiter::Limiter& limiter, Add add) {
  const auto keys = static_cast<uint64_t>(state.range(0));
  const auto size = static_cast<size_t>(state.range(1));
  Texts texts(size);
  base::Random random(1);
  Batch batch;
  const auto decide = [&](auto next_key) {
    batch.clear();
    for (size_t i = 0; i < size; ++i) add(batch, i, texts.write(i, next_key()));
    limiter.decide(batch, kNow);
    benchmark::DoNotOptimize(batch.answer(0).allowed);
  };
  for (uint64_t filled = 0; filled < keys;) decide([&] { return filled++; });
  for (auto _ : state) decide([&] { return random.below(keys); });
  state.SetItemsProcessed(state.iterations() * state.range(1));
}

void throttle(benchmark::State& state) {
  limiter::Limiter limiter({.seed = 1});
  const limit::Gcra gcra = law();
  run(state, limiter,
      [&](Batch& batch, size_t, std::string_view text) { batch.add_throttle(text, gcra, 1); });
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
  std::vector<Entry> entries(static_cast<size_t>(state.range(1)));
  std::vector<Descriptor> descriptors(entries.size());
  run(state, limiter, [&](Batch& batch, size_t i, std::string_view text) {
    entries[i] = {"client_ip", text};
    descriptors[i] = {&entries[i], 1};
    batch.add({.domain = "api", .descriptors = {&descriptors[i], 1}});
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

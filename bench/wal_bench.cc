// The log on the real disk, below the current directory, beside a bare write + fdatasync loop.
//
//   wal_bench --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
//
// Arguments: records a batch / bytes of a body. A bare loop writes the same number of bytes, into
// a file that grows (`grows`), one that was preallocated as segments are (`preallocated`), and one
// that is written over (`over`).
#include <benchmark/benchmark.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/check.h"
#include "io/posix_disk.h"
#include "wal/memory_disk.h"
#include "wal/wal.h"

namespace {

constexpr char kDirectory[] = "wal_bench.tmp";
constexpr uint64_t kFileBytes = uint64_t{64} << 20;

class Directory {
 public:
  Directory() { std::filesystem::create_directory(kDirectory); }
  ~Directory() { std::filesystem::remove_all(kDirectory); }
};

void count(benchmark::State& state, size_t bytes_a_batch) {
  const int64_t batches = static_cast<int64_t>(state.iterations());
  state.SetItemsProcessed(batches * state.range(0));
  state.SetBytesProcessed(batches * static_cast<int64_t>(bytes_a_batch));
  state.counters["batches"] =
      benchmark::Counter(static_cast<double>(batches), benchmark::Counter::kIsRate);
}

wal::Log::Opened open_log(base::Disk& disk) {
  auto opened =
      wal::Log::open(disk, "log", {}, 1, [](const wal::Record&) { return base::Status{}; });
  CHECK(opened);
  return std::move(*opened);
}

void run_batch(wal::Log& log, std::string_view body, int64_t records) {
  for (int64_t i = 0; i < records; ++i) CHECK(log.append(1, {body}, true));
  wal::Batch batch = log.take();
  log.writer().run(batch);
  CHECK(batch.status);
  log.give_back(batch);
}

void remove_old(wal::Log& log) {
  while (log.segments().size() > 2) log.remove(log.segments().front().number);
}

void log_loop(benchmark::State& state) {
  const Directory directory;
  io::PosixDisk disk(kDirectory);
  const wal::Log::Opened opened = open_log(disk);
  const std::string body(static_cast<size_t>(state.range(1)), 'x');
  for ([[maybe_unused]] auto _ : state) {
    run_batch(*opened.log, body, state.range(0));
    remove_old(*opened.log);
  }
  count(state, wal::record_bytes(body.size()) * static_cast<size_t>(state.range(0)));
}

enum class Before { kNothing, kReserved, kWritten };

std::unique_ptr<base::File> bare_file(base::Disk& disk, Before before) {
  auto file = disk.create("bare").value();
  if (before == Before::kReserved) CHECK(file->reserve(kFileBytes));
  if (before == Before::kWritten) CHECK(file->write(0, std::string(kFileBytes, '\0')));
  CHECK(file->sync());
  return file;
}

void bare_loop(benchmark::State& state, Before before) {
  const Directory directory;
  io::PosixDisk disk(kDirectory);
  auto file = bare_file(disk, before);
  const std::string bytes(
      wal::record_bytes(static_cast<size_t>(state.range(1))) * static_cast<size_t>(state.range(0)),
      'x');
  uint64_t at = 0;
  for ([[maybe_unused]] auto _ : state) {
    if (at + bytes.size() > kFileBytes) {
      state.PauseTiming();
      CHECK(disk.remove("bare"));
      file = bare_file(disk, before);
      at = 0;
      state.ResumeTiming();
    }
    CHECK(file->write(at, bytes));
    CHECK(file->sync());
    at += bytes.size();
  }
  count(state, bytes.size());
}

// The owner's side alone: what an append costs, with a batch now and then.
void append_only(benchmark::State& state) {
  wal::MemoryDisk disk;
  const wal::Log::Opened opened = open_log(disk);
  const std::string body(static_cast<size_t>(state.range(1)), 'x');
  const size_t whole = wal::record_bytes(body.size());
  for ([[maybe_unused]] auto _ : state) {
    for (int64_t i = 0; i < state.range(0); ++i)
      benchmark::DoNotOptimize(opened.log->append(1, {body}, true));
    state.PauseTiming();
    wal::Batch batch = opened.log->take();
    opened.log->writer().run(batch);
    opened.log->give_back(batch);
    remove_old(*opened.log);
    state.ResumeTiming();
  }
  count(state, whole * static_cast<size_t>(state.range(0)));
}

const std::vector<std::vector<int64_t>> kSizes = {{1, 64, 4096}, {128}};

BENCHMARK(append_only)->Iterations(1000)->Args({1000, 16})->Args({1000, 128})->Args({1000, 1024});
BENCHMARK(log_loop)->ArgsProduct(kSizes)->UseRealTime();
BENCHMARK_CAPTURE(bare_loop, grows, Before::kNothing)->ArgsProduct(kSizes)->UseRealTime();
BENCHMARK_CAPTURE(bare_loop, preallocated, Before::kReserved)->ArgsProduct(kSizes)->UseRealTime();
BENCHMARK_CAPTURE(bare_loop, over, Before::kWritten)->ArgsProduct(kSizes)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();

#include "server/storage.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <thread>

#include "base/random.h"
#include "io/posix_disk.h"

namespace server {
namespace {

constexpr uint64_t kOfLimiter = 1, kOfEngines = 2, kOfJournal = 3, kOfLogs = 4, kOfName = 5;

// Seeds of one directory that tell nothing of each other.
uint64_t derived(uint64_t seed, uint64_t use) { return base::Random(seed + use).next(); }

std::string directory_of(uint32_t shard) {
  std::array<char, 16> name;
  std::snprintf(name.data(), name.size(), "shard-%04u", shard);
  return name.data();
}

base::Error named(const std::string& directory, const base::Error& error) {
  return {error.code, "data directory " + directory + ": " + error.what, error.field};
}

}  // namespace

Storage::Storage(io::FileLock lock, std::unique_ptr<base::Disk> disk, Meta meta)
    : lock_(std::move(lock)), disk_(std::move(disk)), meta_(meta) {}

base::Result<std::unique_ptr<Storage>> Storage::take(const Wanted& wanted) {
  base::Result<io::FileLock> lock = io::FileLock::take(wanted.directory);
  if (!lock) return lock.error();
  auto disk = std::make_unique<io::PosixDisk>(wanted.directory);
  const Meta fresh{wanted.shards > 0 ? wanted.shards : wanted.fresh_shards, wanted.fresh_seed};
  const base::Result<Meta> meta = open_meta(*disk, fresh, wanted.shards);
  if (!meta) return named(wanted.directory, meta.error());
  return std::unique_ptr<Storage>(new Storage(std::move(*lock), std::move(disk), *meta));
}

uint64_t Storage::limiter_seed() const { return derived(meta_.seed, kOfLimiter); }

std::string Storage::name() const {
  std::array<char, 17> name;
  std::snprintf(name.data(), name.size(), "%016llx",
                static_cast<unsigned long long>(derived(meta_.seed, kOfName)));
  return name.data();
}

base::Status Storage::open(const QueueRules& rules, const engine::Bounds& bounds,
                           limiter::Limiter& limiter, base::Time now,
                           std::span<limiter::Taker* const> takers) {
  const auto open_one = [&](uint32_t shard) {
    limiter::Taker& taker = takers.empty() ? limiter : *takers[shard];
    QueueRules own = rules_of(rules, shard, shards());
    return engine::Engine::open(
        {.shard = shard,
         .shards = shards(),
         .log = {.shard = shard, .salt = derived(meta_.seed, kOfLogs) + shard},
         .seed = derived(meta_.seed, kOfEngines),
         .defaults = std::move(own.defaults),
         .creation_open = own.creation_open,
         .declared = std::move(own.declared),
         .bounds = bounds},
        *disk_, directory_of(shard), taker, now);
  };
  std::vector<std::optional<base::Result<std::unique_ptr<engine::Engine>>>> opened(shards());
  std::vector<std::thread> threads;
  for (uint32_t i = 1; i < shards(); ++i) {
    threads.emplace_back([&, i] { opened[i].emplace(open_one(i)); });
  }
  opened[0].emplace(open_one(0));
  for (std::thread& thread : threads) thread.join();
  for (auto& each : opened) {
    if (!*each) return each->error();
    engines_.push_back(std::move(**each));
  }
  const base::Time floor = std::max(now, last_instant());
  auto journal = Journal::open(
      {.disk = *disk_, .directory = "limits", .salt = derived(meta_.seed, kOfJournal)}, limiter,
      floor);
  if (!journal) return journal.error();
  journal_ = std::move(*journal);
  return {};
}

base::Time Storage::last_instant() const {
  base::Time last{};
  if (journal_) last = journal_->last_instant();
  for (const auto& engine : engines_) last = std::max(last, engine->last_instant());
  return last;
}

}  // namespace server

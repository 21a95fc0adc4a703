#include "sim/replica.h"

#include <algorithm>

#include "base/check.h"
#include "sim/world.h"

namespace sim {

base::Status Replica::open(const std::vector<LimitPlan>& limits, base::Time now) {
  now_ = now;
  limiter_ = std::make_unique<limiter::Limiter>(
      limiter::LimiterOptions{.table = {.memory_bytes_max = size_t{64} << 20}, .seed = 5});
  CHECK(limiter_->reload(specs_of(plan_, limits)).empty());
  for (uint32_t shard = 0; shard < plan_.shards; ++shard) {
    auto opened = engine::Engine::open(Process::options(plan_, shard), *disk_, Process::dir(shard),
                                       *limiter_, now);
    if (!opened) return opened.error();
    engines_.push_back(std::move(opened).value());
  }
  return {};
}

void Replica::ask(Op& op) {
  engine::Engine& engine = *engines_[op.shard];
  bool done = false;
  engine.on_done([&done](engine::Request&) { done = true; });
  op.ran = now_ += base::Duration(1);
  engine.run(op, now_);
  for (int i = 0; i < 10 && !done; ++i) {
    engine.release();
    if (done || !engine.has_batch()) continue;
    wal::Batch batch = engine.take(now_);
    engine.writer().run(batch);
    engine.give_back(std::move(batch), now_);
  }
  if (!done) throw Broken{"a replica does not answer"};
}

namespace {

std::string describe(const queue::Standing& standing) {
  return std::string(queue::to_string(standing.state)) + " at " + to_string(standing.at) +
         ", delivered " + std::to_string(standing.delivered) + ", failed " +
         std::to_string(standing.failed) + ", start " + std::to_string(standing.start);
}

// But for those deduplicated: they leave no record, so only a snapshot knows of them.
std::string describe(const engine::Stats::Totals& t) {
  std::string text;
  for (const uint64_t total : {t.enqueued, t.delivered, t.acked, t.failed, t.requeued, t.lease_over,
                               t.expired, t.dead, t.redriven, t.removed, t.purged}) {
    text += " " + std::to_string(total);
  }
  return text;
}

}  // namespace

// Every message as it was shown live. Empty: the same; else what differs.
std::string World::differs(Replica& replica, bool synced_only) {
  for (const engine::Shown& live : shown_) {
    const size_t queue = queue_of(live.queue);
    const queue::Durability durability = plan_.queues[queue].settings.durability;
    if (durability == queue::Durability::kMemory) continue;
    if (synced_only && durability != queue::Durability::kFsync) continue;
    auto ask = show(shard_of(queue), live.number);
    replica.ask(*ask);
    const std::string number = "number " + std::to_string(live.number);
    // One of LEASE 0 ends with the process, and may then be over its TTL.
    if (live.standing.state == queue::State::kLeased && live.standing.at == kTied) continue;
    if (!ask->status) return number + " is not there: " + ask->status.error().what;
    const engine::Shown& other = std::get<engine::Show>(ask->what).shown;
    const bool ripened = live.standing.state != other.standing.state &&  // Needs no record.
                         live.standing.state == queue::State::kReady &&
                         other.standing.state == queue::State::kDelayed;
    if (!(live.standing == other.standing) && !ripened &&
        !(live.standing.state == queue::State::kReady &&
          other.standing.state == queue::State::kReady &&
          live.standing.delivered == other.standing.delivered &&
          live.standing.failed == other.standing.failed)) {
      return number + " was " + describe(live.standing) + ", is " + describe(other.standing);
    }
    if (live.expires != other.expires || live.attempts != other.attempts ||
        live.record != other.record || live.reason != other.reason) {
      return number + " has other contents (reason \"" + live.reason + "\", \"" + other.reason +
             "\")";
    }
  }
  return {};
}

std::string World::differs_in_queues(Replica& replica) {
  for (size_t queue = 0; queue < plan_.queues.size(); ++queue) {
    if (plan_.queues[queue].settings.durability != queue::Durability::kFsync) continue;
    auto ask = op(shard_of(queue));
    ask->what = engine::Stats{.queue = plan_.queues[queue].name, .row = {}, .totals = {}};
    auto again = op(shard_of(queue));
    again->what = ask->what;
    const Op& live = ask_now(std::move(ask));
    replica.ask(*again);
    if (!live.status || !again->status)
      return "queue " + plan_.queues[queue].name + " is not there";
    const auto& a = std::get<engine::Stats>(live.what);
    const auto& b = std::get<engine::Stats>(again->what);
    if (!(a.row.settings == b.row.settings)) return a.row.name + " has other settings";
    const auto tied = static_cast<uint64_t>(
        std::count_if(shown_.begin(), shown_.end(), [&](const engine::Shown& each) {
          return each.queue == a.row.name && each.standing.state == queue::State::kLeased &&
                 each.standing.at == kTied;  // They end with the process.
        }));
    const bool may_expire = std::any_of(shown_.begin(), shown_.end(), [&](const auto& each) {
      return each.queue == a.row.name && each.standing.at == kTied && each.expires != base::Time{};
    });
    if (may_expire) continue;  // Given back to a queue where its TTL is over.
    if (a.row.depths.waiting() + tied != b.row.depths.waiting() ||
        a.row.depths.leased != b.row.depths.leased + tied ||
        a.row.depths.dead != b.row.depths.dead || a.row.depths.bytes != b.row.depths.bytes) {
      return a.row.name + " has other depths: " + std::to_string(a.row.depths.waiting()) + ", " +
             std::to_string(a.row.depths.leased) + ", " + std::to_string(a.row.depths.dead) + ", " +
             std::to_string(a.row.depths.bytes) + " bytes; now " +
             std::to_string(b.row.depths.waiting()) + ", " + std::to_string(b.row.depths.leased) +
             ", " + std::to_string(b.row.depths.dead) + ", " + std::to_string(b.row.depths.bytes) +
             " bytes";
    }
    engine::Stats::Totals expected = a.totals;
    expected.requeued += tied;
    if (describe(expected) != describe(b.totals)) {
      return a.row.name + " has other totals:" + describe(expected) + " are now" +
             describe(b.totals);
    }
  }
  return {};
}

// Replay equals live, and a deduplication id is known after it.
void World::compare_replica() {
  Replica replica(plan_, disk_);
  const base::Status opened = replica.open(limits_, now());
  if (!opened) throw Broken{"P5: a copy of the data cannot be opened: " + opened.error().what};
  ++outcome_.counts.replays_compared;
  std::string difference = differs(replica, false);
  if (difference.empty()) difference = differs_in_queues(replica);
  if (!difference.empty()) throw Broken{"P5: replay is not what was live: " + difference};
  for (const auto& [id, seen] : remembered_) {
    const auto& [queue, dedup] = id;
    if (!seen.sure || seen.number == 0 || now() + 1ms >= seen.until) continue;
    if (plan_.queues[queue].settings.durability != queue::Durability::kFsync) continue;
    auto ask = op(shard_of(queue));
    engine::Message message;
    message.body = "again";
    message.dedup = dedup;
    ask->messages.push_back(message);
    engine::Enqueue what;
    what.queue = plan_.queues[queue].name;
    what.messages = ask->messages;
    ask->what = std::move(what);
    replica.ask(*ask);
    if (!ask->status && ask->status.error().code == base::Code::kFull) continue;
    const auto& numbers = std::get<engine::Enqueue>(ask->what).numbers;
    if (!ask->status || numbers.size() != 1 || numbers[0] != seen.number) {
      throw Broken{"P5: a replay forgets the deduplication id " + dedup + " of queue " +
                   std::to_string(queue) + ", number " + std::to_string(seen.number) + " until " +
                   to_string(seen.until)};
    }
  }
}

// P11: a bit of what was synced flips. It is refused with file and offset, or it was one that says
// nothing; never is a message another, or gone.
void World::corrupt() {
  Replica replica(plan_, disk_);
  const std::vector<std::string> files = replica.disk().files();
  if (files.empty()) return;
  const std::string& path = dice_.pick(files);
  const std::string& bytes = *replica.disk().bytes(path);
  const size_t used = bytes.find_last_not_of('\0');
  if (used == std::string::npos) return;
  const uint64_t at = dice_.below(used + 1);
  replica.disk().flip(path, at, static_cast<uint32_t>(dice_.below(8)));
  const base::Status opened = replica.open(limits_, now());
  if (!opened) {
    const std::string& what = opened.error().what;
    ++outcome_.counts.corruptions_refused;
    // A destroyed header may show at the segment behind it.
    if (opened.error().code == base::Code::kIo && what.starts_with("shard-") &&
        what.find("offset") != std::string::npos) {
      return;
    }
    throw Broken{"P11: a flipped bit in " + path + " at " + std::to_string(at) +
                 " is refused without file and offset: " + what};
  }
  const std::string difference = differs(replica, true);
  if (difference.empty() || difference.find("offset") != std::string::npos) return;
  throw Broken{"P11: a bit flipped in " + path + " at " + std::to_string(at) +
               ", the data opens, and " + difference};
}

}  // namespace sim

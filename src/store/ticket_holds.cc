#include "store/ticket_holds.h"

#include <algorithm>
#include <utility>

#include "io/loop.h"

namespace store {
namespace {

constexpr size_t kOfCallMax = 128;
constexpr base::Duration kPauseMin = std::chrono::milliseconds(50);
constexpr base::Duration kPauseMax = std::chrono::seconds(2);

}  // namespace

TicketHolds::~TicketHolds() {
  *alive_ = false;
  shared_.owed.add(-static_cast<int64_t>(owed_.size()));
}

void TicketHolds::begin(io::Loop& loop, Line& line) {
  line_ = &line;
  soon_.emplace(loop.poll(), [this] { send(); });
  again_.emplace(loop.poll(), [this] { send(); });
  if (!owed_.empty()) soon_->ask();
}

void TicketHolds::add(Owed owed) {
  const std::string name = owed.change.name + owed.change.id;
  const auto [at, added] = owed_.try_emplace(name);
  if (added) shared_.owed.add(1);
  at->second.owed = std::move(owed);
  at->second.sequence = ++sequence_;
  queue(name, at->second);
  if (owed_.size() > kOwedMax) {
    forget(order_.front());
    order_.pop_front();
  }
  if (soon_ && pause_.count() == 0) soon_->ask();
}

void TicketHolds::queue(const std::string& name, Entry& entry) {
  if (!std::exchange(entry.queued, true)) order_.push_back(name);
}

void TicketHolds::forget(const std::string& name) {
  if (owed_.erase(name) > 0) shared_.owed.add(-1);
}

void TicketHolds::flush() {
  if (soon_) send();
}

void TicketHolds::send() {
  const base::Time now = common_.clock.now();
  std::vector<Change> changes;
  std::vector<std::pair<std::string, uint64_t>> sent;
  while (!order_.empty() && changes.size() < kOfCallMax) {
    const std::string name = std::move(order_.front());
    order_.pop_front();
    const auto found = owed_.find(name);
    if (found == owed_.end()) continue;
    Entry& entry = found->second;
    entry.queued = false;
    if (entry.owed.change.what == Change::What::kRenew) {
      if (entry.owed.until <= now) {
        forget(name);
        continue;
      }
      entry.owed.change.n = ceil_us(entry.owed.until - now);
    }
    changes.push_back(entry.owed.change);
    sent.emplace_back(name, entry.sequence);
  }
  if (changes.empty()) {
    pause_ = {};
    return;
  }
  settle(*line_, common_.store_time(), changes, now + common_.options.deadline,
         [this, alive = alive_, sent = std::move(sent)](base::Status&& status,
                                                        std::vector<int64_t>&&) {
           if (*alive) confirmed(sent, status.has_value());
         });
  if (!order_.empty() && pause_.count() == 0) soon_->ask();
}

void TicketHolds::confirmed(const std::vector<std::pair<std::string, uint64_t>>& sent, bool well) {
  std::vector<base::Hash128> freed;
  for (const auto& [name, sequence] : sent) {
    const auto found = owed_.find(name);
    if (found == owed_.end() || found->second.sequence != sequence) continue;  // Another is meant.
    if (!well) {
      queue(name, found->second);
      continue;
    }
    freed.push_back(found->second.owed.change.key);
    forget(name);
  }
  if (!well) {
    pause_ = std::clamp(pause_ * 2, kPauseMin, kPauseMax);
    return again_->within(pause_);
  }
  pause_ = {};
  if (!order_.empty()) soon_->ask();
  for (const base::Hash128 key : freed) shared_.watchers.tell(key);
}

}  // namespace store

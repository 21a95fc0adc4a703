#include "server/process.h"

#include "base/version.h"
#include "server/vitals.h"

namespace server {

Process::Process(Subjects subjects, Identity identity, std::function<void()> shut_down)
    : subjects_(subjects), identity_(std::move(identity)), shut_down_(std::move(shut_down)) {}

bool Process::ready(std::string& why_not) const {
  const Phase phase = phase_;
  if (phase == Phase::kStarting) why_not = "starting";
  if (phase == Phase::kStopping) why_not = "stopping";
  if (phase != Phase::kServing) return false;
  if (subjects_.shards) why_not = subjects_.shards->failure();
  if (why_not.empty() && subjects_.journal != nullptr) why_not = subjects_.journal->failure();
  if (why_not.empty() && subjects_.shared != nullptr && !subjects_.shared->up()) {
    why_not = "the store cannot be reached";
  }
  return why_not.empty();
}

std::string Process::metrics_text() const {
  metric::Families families;
  families.gauge(
      "ratelimmq_build_info", "What was built.",
      {{"version", std::string(base::version())}, {"commit", std::string(base::commit())}}, 1);
  subjects_.limiter.collect(families);
  subjects_.counters.collect(families);
  if (subjects_.shards) subjects_.shards->collect(families);
  subjects_.hosts.collect(families, subjects_.clock.now());
  if (subjects_.journal != nullptr) {
    families.gauge("ratelimmq_limiter_journal_bytes", "The journal of durable limits, on disk.", {},
                   static_cast<double>(subjects_.journal->bytes()));
  }
  if (subjects_.shared != nullptr) subjects_.shared->collect(families);
  if (subjects_.web) subjects_.web->collect(families);
  subjects_.traffic.collect(families);
  subjects_.reloads.collect(families);
  collect(vitals(), identity_.started, families);
  return families.text();
}

std::optional<Process::Facts::Store> Process::store_facts() const {
  if (subjects_.shared == nullptr) return std::nullopt;
  return Facts::Store{.up = subjects_.shared->up(), .instances = subjects_.shared->instances()};
}

Process::Facts Process::facts() const {
  return {.version = std::string(base::version()),
          .commit = std::string(base::commit()),
          .config_file = identity_.config_file,
          .started_at_ms = base::nanoseconds(identity_.started) / 1'000'000,
          .connections = subjects_.traffic.open(),
          .connections_total = subjects_.traffic.accepted(),
          .commands_total = subjects_.counters.calls_total(),
          .resident_bytes = resident_bytes(),
          .threads = identity_.threads,
          .tcp_port = identity_.tcp_port,
          .store = store_facts()};
}

}  // namespace server

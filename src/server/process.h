// The process, as verbs see it.
#pragma once
#include <atomic>
#include <functional>
#include <string>

#include "command/counters.h"
#include "command/services.h"
#include "dispatch/hosts.h"
#include "limiter/limiter.h"
#include "server/journal.h"
#include "server/reloads.h"
#include "server/shards.h"
#include "server/shared_limits.h"
#include "server/traffic.h"
#include "server/web.h"

namespace server {

// Thread: any.
class Process final : public command::Process {
 public:
  // What it tells of; all outlive it.
  struct Subjects {
    const limiter::Limiter& limiter;
    const command::Counters& counters;
    const Traffic& traffic;
    const Reloads& reloads;
    const std::unique_ptr<Shards>& shards;  // There before anybody asks. Null: there are none.
    const dispatch::Hosts& hosts;
    const base::Clock& clock;
    const Journal* journal;           // Null: nothing is durable.
    const SharedLimits* shared;       // Null: limits are this process' own.
    const std::unique_ptr<Web>& web;  // Null: there is no gateway.
  };
  struct Identity {
    std::string config_file;
    base::Time started;
    unsigned threads = 0;
    int tcp_port = 0;
  };
  Process(Subjects subjects, Identity identity, std::function<void()> shut_down);

  void set_serving() { phase_ = Phase::kServing; }
  void set_stopping() { phase_ = Phase::kStopping; }

  void shut_down() override { shut_down_(); }
  bool stopping() const override { return phase_ == Phase::kStopping; }
  bool ready(std::string& why_not) const override;
  std::string metrics_text() const override;
  Facts facts() const override;

 private:
  std::optional<Facts::Store> store_facts() const;

  enum class Phase : uint8_t { kStarting, kServing, kStopping };

  Subjects subjects_;
  Identity identity_;
  std::function<void()> shut_down_;
  std::atomic<Phase> phase_{Phase::kStarting};
};

}  // namespace server

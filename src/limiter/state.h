// The parts of a Limiter, and how its functions reach the limits in force.
#pragma once
#include <atomic>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/random.h"
#include "limiter/gather.h"
#include "limiter/limiter.h"
#include "limiter/openings.h"
#include "limiter/published.h"
#include "limiter/watchers.h"

namespace limiter {

struct LimiterState {
  explicit LimiterState(LimiterOptions limiter_options);

  // The ask's domains; if it is unknown() (gather.h), that is counted.
  Domains find(const Published& published, const Ask& ask);

  // Brings a copy up to date. A comparison, but after a reload.
  void refresh(std::shared_ptr<const Published>& copy);
  std::shared_ptr<const Published> get();

  void publish(std::shared_ptr<const Limits> limits);

  const LimiterOptions options;
  const Keys keys;
  Laws laws;
  Table table;
  Watchers watchers;
  Ids ids;
  Openings openings;
  DomainCounters throttle{"(throttle)", {}};
  metric::Counter unknown_domains;

  base::Mutex reload;  // One at a time.
  base::Mutex mutex;
  std::deque<DomainCounters> domains GUARDED_BY(mutex);  // Of every domain there ever was.
  std::shared_ptr<const Published> published GUARDED_BY(mutex);
  // What `published` points to. A copy that has this address is the current one: while the copy is
  // held, no other can get the address.
  std::atomic<const Published*> current{nullptr};

 private:
  LimiterState(LimiterOptions limiter_options, base::Random seeds);
  DomainCounters& counters_of(const std::string& domain) REQUIRES_LOCK(mutex);
};

base::Error unknown_domain(std::string_view domain);

}  // namespace limiter

// Reloading limits, and what became of it.
#pragma once
#include <atomic>
#include <functional>
#include <string_view>

#include "base/clock.h"
#include "metric/metric.h"
#include "server/server.h"

namespace server {

class Reloads {
 public:
  // The limits of the start count as a reload that succeeded.
  Reloads(std::function<Reload()> reload, const base::Clock& clock);

  // Reloads, and logs what happened: one line, or one for each error. Thread: one at a time.
  Reload run(std::string_view cause);
  void collect(metric::Families& families) const;  // Thread: any.

 private:
  std::function<Reload()> reload_;
  const base::Clock& clock_;
  std::atomic<bool> last_succeeded_{true};
  std::atomic<int64_t> succeeded_at_ns_;
  metric::Counter succeeded_, failed_;
};

}  // namespace server

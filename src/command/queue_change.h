// A change of a queue's settings on its way to the shard: checked where it was asked for, applied
// where the settings are.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "limit/limit.h"
#include "queue/settings.h"

namespace command {

class QueueChange {
 public:
  void add(std::string_view option, std::string_view value);
  void forget_weights();  // Before what was added: those that are not named are gone.

  base::Status check() const;                                // Each value by itself.
  base::Status operator()(queue::Settings& settings) const;  // All, or nothing.

 private:
  base::Status apply(queue::Settings& settings) const;
  std::vector<std::pair<std::string, std::string>> values_;
  bool forget_weights_ = false;
};

struct PauseTerms {
  bool in = false, out = false;  // Which of them change.
  bool paused = false;
};
std::function<base::Status(queue::Settings&)> pause_change(PauseTerms terms);

// Option names in lower case, but for the key of a weight.
std::string lower_case_option(std::string_view name);

// "10/s" of a REDRIVE. A burst, a calendar's unit and a count of 0 make no sense there.
base::Result<std::optional<limit::Rate>> redrive_rate(std::string_view field,
                                                      std::string_view spec);

}  // namespace command

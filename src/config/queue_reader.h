// The `queues` section: declared queues by name. What a queue may be told, and its bounds, stand in
// the table of options that QUEUE SET reads too (command/queue_option.h); a dot of an option's name
// is a level of the file.
#pragma once
#include <map>
#include <string>

#include "config/reading.h"
#include "engine/engine.h"

namespace config {

struct DeclaredQueues {
  engine::Declared settings;
  std::map<std::string, limiter::Mark> domains;  // Where a queue names its domain …
  std::map<std::string, limiter::Mark> secrets;  // … and the variable of its signing secret.
};

// What a queue does not say it takes from `defaults`.
DeclaredQueues read_queues(const yaml::Node& node, const queue::Settings& defaults,
                           Reading& reading);

// As the file writes it, one line: "{lease: 30s, backoff: {base: 1s, …}, …}".
std::string print_queue(const queue::Settings& settings);

}  // namespace config

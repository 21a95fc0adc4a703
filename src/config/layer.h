// The layers of a configuration, applied one over the other: file, environment, flags.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "config/config.h"
#include "config/reading.h"
#include "config/setting.h"

namespace config {

// A configuration while it is read.
struct Draft {
  server::Role role = server::Role::kServe;
  Config config;
  Problems problems;
  std::map<std::string, limiter::Mark> origins;  // Who set a setting last, by its path.
  std::map<std::string, limiter::Mark> domains;  // Where a declared queue names its domain …
  std::map<std::string, limiter::Mark> secrets;  // … and the variable of its secret.
};

// The settings of our own file. `limits` and `queues` are left to whoever
// knows all settings.
void apply_file(const yaml::Node& root, Reading& reading, Draft& draft);

// RATELIMMQ_…; an empty variable counts as absent. One that is no setting's is a problem if it is
// nearly one's.
void apply_environment(const std::map<std::string, std::string>& environment, Draft& draft);

void apply_flags(const std::vector<std::pair<std::string, std::string>>& flags, Draft& draft);

// Who set a setting last; nobody: an empty mark.
limiter::Mark origin_of(const std::string& path, const Draft& draft);

// What is wrong with settings only together.
void check_settings(Draft& draft);

// remote.cc: what the settings of the store and the gateway come to.
void settle_remote(const Sources& sources, Draft& draft);
void check_remote(Draft& draft);

}  // namespace config

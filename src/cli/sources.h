// Flags of the server's roles that set what the configuration file sets.
#pragma once
#include <memory>

#include "cli/cli.h"
#include "config/config.h"

namespace cli {

// Adds --config, one flag for each setting that has one, and --set. The returned sources are filled
// by the time the subcommand runs. Shared: the options of `command` write to them, its body reads.
std::shared_ptr<config::Sources> add_settings(CLI::App& command, server::Role role);

// Adds the variables of this process.
void add_environment(config::Sources& sources);

// One line a problem, on standard error.
void print_problems(const std::vector<config::Problem>& problems);

}  // namespace cli

// check-config: what a start would say to a file.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>

#include "cli/cli.h"
#include "cli/sources.h"
#include "config/config.h"

namespace cli {
namespace {

size_t count_limits(const std::vector<limiter::NodeSpec>& nodes) {
  size_t count = 0;
  for (const limiter::NodeSpec& node : nodes)
    count += node.limits.size() + count_limits(node.nodes);
  return count;
}

size_t count_limits(const config::Config& config) {
  size_t count = 0;
  for (const limiter::DomainSpec& domain : config.domains) count += count_limits(domain.nodes);
  return count;
}

void print_json(const config::Loaded& loaded) {
  boost::json::array problems;
  for (const config::Problem& problem : loaded.problems) {
    problems.push_back(boost::json::object{{"file", problem.file},
                                           {"line", problem.line},
                                           {"column", problem.column},
                                           {"what", problem.what}});
  }
  boost::json::object out{{"ok", loaded.config.has_value()}};
  if (loaded.config) {
    out["domains"] = loaded.config->domains.size();
    out["limits"] = count_limits(*loaded.config);
  }
  out["problems"] = std::move(problems);
  std::printf("%s\n", boost::json::serialize(out).c_str());
}

int check(const std::string& file, bool json) {
  config::Sources sources;
  sources.file = file;
  sources.look_for_secrets = false;  // They are the server's.
  const config::Loaded loaded = config::load(sources);
  if (json) {
    print_json(loaded);
  } else if (loaded.config) {
    std::printf("%s: OK, %zu domains with %zu limits\n", file.c_str(),
                loaded.config->domains.size(), count_limits(*loaded.config));
  } else {
    print_problems(loaded.problems);
  }
  return loaded.config ? kDone : kFailed;
}

}  // namespace

void add_check_config(Program& program) {
  const auto file = std::make_shared<std::string>();  // Shared: the option writes, the body reads.
  const auto json = std::make_shared<bool>(false);
  CLI::App& command =
      program.add("check-config", "Check a configuration or limit file, with line and column",
                  [=] { return check(*file, *json); });
  command.add_option("file", *file, "Our configuration, or an envoyproxy/ratelimit file")
      ->required()
      ->type_name("FILE");
  command.add_flag("--json", *json, "Answer with one JSON object on standard output");
  command.footer("Exit code: 0 if a start would take it (the built-in domain counts); else 1.");
}

}  // namespace cli

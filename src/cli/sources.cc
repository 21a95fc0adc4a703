#include "cli/sources.h"

#include <unistd.h>

#include <cstdio>

namespace cli {
namespace {

const char* const kGroup = "Settings (the variable in brackets does the same)";

void add_setting(CLI::App& command, const config::SettingRow& row,
                 const std::shared_ptr<config::Sources>& sources) {
  const bool adds = row.path == "limit_files";
  const std::string path = adds ? row.path + '+' : row.path;
  const auto note = [sources, path](const std::vector<std::string>& values) {
    for (const std::string& value : values) sources->flags.emplace_back(path, value);
    return true;
  };
  const std::string extra = row.path == "listen.tcp" ? ", RATELIMMQ_HOST, RATELIMMQ_PORT" : "";
  const std::string initial = row.initial == "[]" ? "" : " (" + row.initial + ")";
  CLI::Option* option =
      command.add_option(row.flag, note, row.help + initial + " [" + row.environment + extra + "]");
  option->type_name(adds ? "FILE" : "VALUE")->expected(1)->group(kGroup);
  option->multi_option_policy(adds ? CLI::MultiOptionPolicy::TakeAll
                                   : CLI::MultiOptionPolicy::TakeLast);
}

}  // namespace

std::shared_ptr<config::Sources> add_settings(CLI::App& command, server::Role role) {
  auto sources = std::make_shared<config::Sources>();
  sources->role = role;
  command
      .add_option_function<std::string>(
          "--config", [sources](const std::string& name) { sources->file = name; },
          "Configuration file; else ./ratelimmq.yaml, /etc/ratelimmq/ratelimmq.yaml, or none "
          "[RATELIMMQ_CONFIG]")
      ->type_name("FILE");
  for (const config::SettingRow& row : config::setting_rows(role)) {
    if (!row.flag.empty()) add_setting(command, row, sources);
  }
  command
      .add_option_function<std::vector<std::string>>(
          "--set",
          [sources](const std::vector<std::string>& pairs) {
            for (const std::string& pair : pairs) {
              const size_t equals = pair.find('=');
              if (equals == pair.npos) throw CLI::ValidationError("--set", "wants path=value");
              sources->flags.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
            }
          },
          "Any setting of docs/configuration.md, as in --set table.memory_max=2GiB")
      ->type_name("PATH=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return sources;
}

void add_environment(config::Sources& sources) {
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const size_t equals = text.find('=');
    if (equals != text.npos) sources.environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
}

void print_problems(const std::vector<config::Problem>& problems) {
  for (const config::Problem& problem : problems) {
    std::fprintf(stderr, "%s\n", config::to_string(problem).c_str());
  }
}

}  // namespace cli

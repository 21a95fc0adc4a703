#include <cstdio>
#include <utility>

#include "base/version.h"
#include "cli/cli.h"

namespace cli {
namespace {

int usage_error(const std::string& what) {
  std::fprintf(stderr, "ratelimmq: %s\nratelimmq --help lists the commands and their options.\n",
               what.c_str());
  return kUsage;
}

}  // namespace

Program::Program()
    : app_(
          "RateLimMQ decides how fast things may go: a rate limiter that answers the line "
          "protocol,\n"
          "RESP (any Redis client) and HTTP.\n\n"
          "  ratelimmq serve                      start with the defaults, TCP 7411 and HTTP 8080\n"
          "  ratelimmq client CL.THROTTLE k 15 30 60\n"
          "  ratelimmq check-config ratelimmq.yaml",
          "ratelimmq") {
  app_.require_subcommand(1);
  app_.set_version_flag(
      "--version",
      "ratelimmq " + std::string(base::version()) + " (" + std::string(base::commit()) + ")",
      "Print the version and exit");
  app_.get_formatter()->column_width(34);
}

CLI::App& Program::add(const std::string& name, const std::string& help,
                       std::function<int()> body) {
  CLI::App& command = *app_.add_subcommand(name, help);
  command.final_callback([this, run = std::move(body)] { chosen_ = run; });
  return command;
}

int Program::run(int argc, char** argv) {
  if (argc < 2) {
    std::fputs(app_.help().c_str(), stdout);
    return kUsage;
  }
  const std::string first = argv[1];
  const auto named = [&](const CLI::App* command) { return command->check_name(first); };
  if (!first.starts_with('-') && std::as_const(app_).get_subcommands(named).empty()) {
    return usage_error("unknown command '" + first + "'");
  }
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app_.exit(error);  // --help, --version.
    return usage_error(error.what());
  }
  return chosen_();
}

}  // namespace cli

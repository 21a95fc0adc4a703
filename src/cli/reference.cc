#include <cstdio>

#include "cli/cli.h"
#include "command/command.h"
#include "config/config.h"

namespace cli {
namespace {

int print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return kDone;
}

}  // namespace

void add_reference(Program& program) {
  const char* const kHidden = "";  // CLI11 leaves the empty group out of --help.
  program
      .add("commands-markdown", "Print docs/commands.md",
           [] { return print(command::reference_markdown()); })
      .group(kHidden);
  program
      .add("config-markdown", "Print docs/configuration.md",
           [] { return print(config::reference_markdown()); })
      .group(kHidden);
}

}  // namespace cli

// The door of the room: what the program does, one function a subcommand.
//
// Each adds its subcommand to the program; run() parses the words and runs the one that was named.
// Exit codes: 0 done; 1 it did not work, and standard error says why; 2 bad usage, or no
// connection.
#pragma once
#include <CLI/CLI.hpp>

namespace cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

class Program {
 public:
  Program();

  // A subcommand whose `body` answers the exit code.
  CLI::App& add(const std::string& name, const std::string& help, std::function<int()> body);
  int run(int argc, char** argv);

 private:
  CLI::App app_;
  std::function<int()> chosen_;
};

void add_roles(Program& program);  // serve, limiter, gateway.
void add_bench(Program& program);
void add_check_config(Program& program);
void add_check(Program& program);
void add_client(Program& program);
void add_fetch(Program& program);
void add_log(Program& program);
void add_reference(Program& program);  // Hidden: what scripts write docs/ with.

}  // namespace cli

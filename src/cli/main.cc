#include "cli/cli.h"

int main(int argc, char** argv) {
  cli::Program program;
  cli::add_roles(program);
  cli::add_bench(program);
  cli::add_check_config(program);
  cli::add_check(program);
  cli::add_client(program);
  cli::add_fetch(program);
  cli::add_log(program);
  cli::add_reference(program);
  return program.run(argc, argv);
}

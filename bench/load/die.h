// The end of a load that cannot go on: a refusal of the server's, or the machine's.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <string>

namespace load {

[[noreturn]] inline void die(const std::string& why) {
  std::fprintf(stderr, "queue_load: %s\n", why.c_str());
  std::exit(1);
}

}  // namespace load

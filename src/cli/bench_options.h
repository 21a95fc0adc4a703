// What the command line of `bench` asks for, and what that means to load/.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "load/load.h"

namespace cli {

// The flags as they are written.
struct BenchFlags {
  std::string target = "tcp://127.0.0.1:7411";
  std::string talk, work = "ping";
  unsigned connections = 50, threads = 1;
  size_t pipeline = 1;
  uint64_t keys = 0;
  std::string keys_like;
  size_t body = 100;
  std::string queue = "bench";
  uint64_t queues = 1;
  bool dedup = false, overlap = false, json = false;
  uint64_t messages = 0;
  uint64_t first = 0;
  std::string durability, rate, span, warm_up, wait, lease, law, throttle;
  uint64_t count = 0;
  std::string domain = "bench", descriptor = "key={key}";
  std::string request, method = "GET", content;
  std::vector<std::string> fields;
  std::vector<int> servers;
  std::string record;
  uint64_t seed = 0;
};

// The first flag that is wrong; the text names it.
base::Result<load::Options> bench_options(const BenchFlags& flags);

}  // namespace cli

// What a client program prints of itself: one line of JSON.
#pragma once
#include <sys/resource.h>

#include <chrono>
#include <cstdio>

namespace bench {

class CpuReport {
 public:
  void print(const char* name, long requests, long failed) const {
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - started_;
    const double cpu = cpu_seconds() - cpu_;
    std::printf(
        "{\"name\":\"%s\",\"requests\":%ld,\"failed\":%ld,\"wall_s\":%.3f,\"cpu_s\":%.3f,"
        "\"per_cpu_s\":%.0f,\"resident_kib_max\":%ld}\n",
        name, requests, failed, wall.count(), cpu, static_cast<double>(requests) / cpu,
        usage().ru_maxrss);
  }

 private:
  static rusage usage() {
    rusage out{};
    ::getrusage(RUSAGE_SELF, &out);
    return out;
  }
  static double cpu_seconds() {
    const rusage now = usage();
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(now.ru_utime) + seconds(now.ru_stime);
  }

  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  double cpu_ = cpu_seconds();
};

}  // namespace bench

// The door of the room: counters and histograms that threads count into without meeting, and the
// families that a scrape is made of.
//
// A room owns its counters as plain members and describes them in a function
// `void collect(metric::Families&) const`; whoever serves /metrics calls those and renders the
// result (metric/text.h). Names: ratelimmq_<room>_<thing>_<unit>[_total]; base units; no label
// whose values are unbounded.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace metric {

// A small number for the calling thread, given out on first use; threads above the bound share.
unsigned thread_slot();
inline constexpr unsigned kSlots = 16;

// Thread: any. add() costs one uncontended atomic add on the thread's own cache line.
class Counter {
 public:
  void add(uint64_t n = 1);
  uint64_t value() const;  // The sum; counts that are being added may be missing.
};

// Thread: any.
class Gauge {
 public:
  void set(int64_t value);
  void add(int64_t n);
  int64_t value() const;
};

// Log-linear buckets over nanoseconds (or any non-negative integer), relative error at most 1/8.
// Thread: any.
class Histogram {
 public:
  void record(int64_t value);
};

using Labels = std::vector<std::pair<std::string, std::string>>;

// What one scrape shows. Rendered in the order added; samples of one name must be added together.
class Families {
 public:
  void counter(std::string_view name, std::string_view help, Labels labels, uint64_t value);
  void gauge(std::string_view name, std::string_view help, Labels labels, double value);
  // `unit` divides recorded values: 1e9 for nanoseconds shown as seconds.
  void histogram(std::string_view name, std::string_view help, Labels labels,
                 const Histogram& histogram, double unit);
  std::string text() const;  // Prometheus text format 0.0.4, by prometheus-cpp.
};

}  // namespace metric

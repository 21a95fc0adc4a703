// What one scrape shows, and its text.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "metric/histogram.h"

namespace metric {

using Labels = std::vector<std::pair<std::string, std::string>>;

// Families are rendered in the order in which their names were first added. A name has one kind
// and one help text: those of its first sample.
class Families {
 public:
  Families();
  ~Families();
  Families(const Families&) = delete;
  Families& operator=(const Families&) = delete;

  void counter(std::string_view name, std::string_view help, Labels labels, uint64_t value);
  void counter_seconds(std::string_view name, std::string_view help, Labels labels,
                       base::Duration value);
  void gauge(std::string_view name, std::string_view help, Labels labels, double value);

  // `unit` divides recorded values: 1e9 for nanoseconds shown as seconds. Shown are 22 buckets in
  // steps of 1, 2.5, 5: from 1 us to 10 s where the unit is 1e9, else from 1 to 10^7 recorded
  // units. A value within an eighth below a bound may be counted above it, never the other way
  // round.
  void histogram(std::string_view name, std::string_view help, Labels labels,
                 const Histogram& histogram, double unit);

  std::string text() const;  // Prometheus text format 0.0.4, by prometheus-cpp.

 private:
  struct Shown;  // prometheus-cpp's families: its headers stay behind the door.
  std::unique_ptr<Shown> shown_;
};

}  // namespace metric

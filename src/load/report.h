// What a load measured, for people and for programs.
#pragma once
#include <array>
#include <string>

#include "load/load.h"

namespace load {

std::string report_text(const Options& options, const Outcome& outcome);
std::string report_json(const Options& options, const Outcome& outcome);  // One line.

// What both are made of.
struct Quantile {
  const char* name;
  double share;
};
inline constexpr std::array<Quantile, 7> kQuantiles = {{{"p50", 0.5},
                                                        {"p75", 0.75},
                                                        {"p90", 0.9},
                                                        {"p95", 0.95},
                                                        {"p99", 0.99},
                                                        {"p99.9", 0.999},
                                                        {"p99.99", 0.9999}}};
std::string number_text(double value);  // "1.23 M", "45.6 k", "789", "0.12"
std::string work_text(const Work& work);
double rate_of(const Outcome& outcome);  // Operations a second.
inline double per(double amount, uint64_t operations) {
  return operations == 0 ? 0 : amount / static_cast<double>(operations);
}

}  // namespace load

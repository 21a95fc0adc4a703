// What a load measured, for people and for programs.
#pragma once
#include <string>

#include "load/load.h"

namespace load {

std::string report_text(const Options& options, const Outcome& outcome);
std::string report_json(const Options& options, const Outcome& outcome);  // One line.
std::string number_text(double value);  // "1.23 M", "45.6 k", "789", "0.12"

}  // namespace load

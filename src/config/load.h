// A load in its steps, for callers that bring the text instead of a file: tests and the fuzzer.
#pragma once
#include "config/layer.h"
#include "config/tree_reader.h"

namespace config {

// The main file and its limits, without the limit files it names. `name` stands in problems.
void read_text(const std::string& text, const std::string& name, Draft& draft);

}  // namespace config

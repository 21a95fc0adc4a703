// A configuration or limit file of any bytes: problems or limits, never a crash; and what is
// printed reads back to the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "config/load.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  config::Draft draft;
  config::read_text(std::string(reinterpret_cast<const char*>(bytes), size), "f", draft);
  if (!draft.problems.empty()) {
    for (const config::Problem& problem : draft.problems.sorted()) {
      CHECK(config::to_string(problem).find('\n') == std::string::npos);
    }
    return 0;
  }
  draft.config.limit_files.clear();  // Their limits are not read here.
  const std::string printed = config::print(draft.config);
  config::Draft again;
  config::read_text(printed, "printed", again);
  CHECK(again.problems.empty());
  CHECK(config::print(again.config) == printed);
  return 0;
}

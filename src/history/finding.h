// What a checker found: violations of laws, each with the lines that show it.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "history/event.h"

namespace history {

struct Finding {
  std::string_view law;  // A name of the table in docs/formats/history.md.
  Instant at = 0;        // By the clients' clock: when it could be seen.
  std::string what;
  std::vector<Where> lines;
};

// All violations are counted by law; of each law the earliest ones are kept.
class Findings {
 public:
  static constexpr size_t kKeptOfEach = 8;

  void add(Finding finding);

  // The earliest of all; null: there is none.
  const Finding* first() const;
  std::map<std::string_view, size_t> counts() const;  // By law.
  bool empty() const { return laws_.empty(); }

 private:
  struct Row {
    size_t count = 0;
    std::vector<Finding> kept;  // By instant.
  };
  std::map<std::string_view, Row> laws_;
};

}  // namespace history

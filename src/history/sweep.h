// Counting what is held at once.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "history/finding.h"

namespace history {

// Several names as one.
Name mix(std::initializer_list<Name> names);

struct Hold {
  Name count = 0;  // What has a count of its own.
  Span held;       // from > to: not at all.
  int64_t cost = 1;
  int64_t most = 0;  // What may be held, itself included, when it begins.
  Where where;
  Span perhaps{};  // When it may have been held.
};

// Adds a finding of `law` for each hold that begins while the others and it are more than `most`.
void sweep(std::vector<Hold> holds, std::string_view law, const std::string& what,
           Findings& findings);

}  // namespace history

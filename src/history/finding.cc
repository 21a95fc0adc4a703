#include "history/finding.h"

#include <algorithm>
#include <utility>

namespace history {

void Findings::add(Finding finding) {
  Row& row = laws_[finding.law];
  ++row.count;
  const auto place =
      std::upper_bound(row.kept.begin(), row.kept.end(), finding.at,
                       [](Instant at, const Finding& other) { return at < other.at; });
  row.kept.insert(place, std::move(finding));
  if (row.kept.size() > kKeptOfEach) row.kept.pop_back();
}

const Finding* Findings::first() const {
  const Finding* first = nullptr;
  for (const auto& [law, row] : laws_) {
    if (first == nullptr || row.kept.front().at < first->at) first = &row.kept.front();
  }
  return first;
}

std::map<std::string_view, size_t> Findings::counts() const {
  std::map<std::string_view, size_t> counts;
  for (const auto& [law, row] : laws_) counts[law] = row.count;
  return counts;
}

}  // namespace history

#include "history/sweep.h"

#include <algorithm>
#include <queue>
#include <tuple>

#include "base/hash.h"

namespace history {
namespace {

struct Open {
  Instant to;
  const Hold* hold;
  bool operator<(const Open& other) const { return to > other.to; }  // The first to end on top.
};

std::vector<Where> lines_of(std::priority_queue<Open> open, const Hold& last) {
  std::vector<Where> lines;
  for (; !open.empty() && lines.size() < 15; open.pop()) lines.push_back(open.top().hold->where);
  lines.push_back(last.where);
  return lines;
}

}  // namespace

Name mix(std::initializer_list<Name> names) {
  const std::string_view bytes(reinterpret_cast<const char*>(names.begin()),
                               names.size() * sizeof(Name));
  return base::hash128(bytes, 0).low;
}

void sweep(std::vector<Hold> holds, std::string_view law, const std::string& what,
           Findings& findings) {
  std::erase_if(holds, [](const Hold& hold) { return hold.held.from >= hold.held.to; });
  std::sort(holds.begin(), holds.end(), [](const Hold& a, const Hold& b) {
    return std::tie(a.count, a.held.from) < std::tie(b.count, b.held.from);
  });
  std::priority_queue<Open> open;
  int64_t held = 0;
  Name count = 0;
  for (const Hold& hold : holds) {
    if (hold.count != count) {
      open = {};
      held = 0;
      count = hold.count;
    }
    for (; !open.empty() && open.top().to <= hold.held.from; open.pop())
      held -= open.top().hold->cost;
    held += hold.cost;
    if (held > hold.most) {
      findings.add({law, hold.held.from,
                    what + ": " + std::to_string(held) + " of " + std::to_string(hold.most),
                    lines_of(open, hold)});
    }
    open.push({hold.held.to, &hold});
  }
}

}  // namespace history

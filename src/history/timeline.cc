#include "history/timeline.h"

#include <algorithm>
#include <optional>

namespace history {
namespace {

constexpr int64_t kMicrosecond = 1000;

// By the server's own stamps; a stamp in milliseconds is that of its millisecond's beginning.
std::optional<Range> stamped(const Deliver& deliver) {
  if (deliver.granted != 0) return Range{deliver.granted, deliver.granted};
  if (deliver.until == 0 || deliver.lease == 0) return std::nullopt;
  const Instant low = deliver.until - deliver.lease;
  return Range{low, low + kMillisecond - 1};
}

}  // namespace

Timeline::Timeline(const History& history, int64_t skew, Findings& findings) : skew_(skew) {
  lives_.push_back({.begin = 0});
  for (const Act& start : history.starts) lives_.push_back({.begin = start.span.from});
  std::sort(lives_.begin(), lives_.end(),
            [](const Life& a, const Life& b) { return a.begin < b.begin; });
  for (const Act& end : history.ends) ends_.push_back(end.span.from);
  std::sort(ends_.begin(), ends_.end());
  for (const Deliver& deliver : history.deliveries) {
    const auto server = stamped(deliver);
    if (server) narrow(life_of(deliver.span.from), deliver.span, *server, deliver.where, findings);
  }
  for (const ClockSample& sample : history.clocks)
    narrow(life_of(sample.span.from), sample.span,
           {sample.server, sample.server + kMicrosecond - 1}, sample.where, findings);
  fill_unknown();
  for (Life& life : lives_) {
    life.low -= skew_;
    life.high += skew_;
  }
}

size_t Timeline::life_of(Instant at) const {
  const auto next = std::upper_bound(lives_.begin(), lives_.end(), at,
                                     [](Instant t, const Life& life) { return t < life.begin; });
  return static_cast<size_t>(next - lives_.begin()) - 1;
}

// A sample that contradicts those before it is a fault, and is left out.
void Timeline::narrow(size_t index, Span client, Range server, Where where, Findings& findings) {
  Life& life = lives_[index];
  const Instant low = std::max(life.low, client.from - server.high);
  const Instant high = std::min(life.high, client.to - server.low);
  if (low > high + 2 * skew_) {
    findings.add({"clock",
                  client.to,
                  "the server's stamp lies outside of the operation, by " +
                      std::to_string(low - high) + " ns more than the rest of its life allows",
                  {where}});
    return;
  }
  life.low = std::min(low, high);
  life.high = std::max(low, high);
  life.known = true;
}

void Timeline::fill_unknown() {
  const Life* near = nullptr;
  for (const Life& life : lives_) {
    if (life.known) {
      near = &life;
      break;
    }
  }
  for (Life& life : lives_) {
    if (life.known) near = &life;
    life.low = near != nullptr ? near->low : 0;
    life.high = near != nullptr ? near->high : 0;
  }
}

Range Timeline::to_server(Span span) const {
  const Life& life = lives_[life_of(span.from)];
  return {span.from - life.high, span.to - life.low};
}

Range Timeline::to_client(Instant server, size_t index) const {
  return {server + lives_[index].low, server + lives_[index].high};
}

Range Timeline::granted(const Deliver& deliver) const {
  const auto server = stamped(deliver);
  return server ? *server : to_server(deliver.span);
}

Instant Timeline::next_end(Instant at) const {
  const auto next = std::lower_bound(ends_.begin(), ends_.end(), at);
  return next == ends_.end() ? kNever : *next;
}

bool Timeline::ended_between(Instant from, Instant to) const { return next_end(from) <= to; }

}  // namespace history

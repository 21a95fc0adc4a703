// What each limit admitted: the deliveries that meet it and the checks that were allowed.
#pragma once
#include <unordered_map>
#include <vector>

#include "history/ledger.h"
#include "history/sweep.h"

namespace history {

// One admission under one version of a limit.
struct Grant {
  Name count = 0;  // What has a count of its own: limit, value and, unless durable, life.
  Name value = 0;  // Limit and value.
  Range at;        // When it happened, by one clock for all grants of a limit.
  int64_t cost = 1;
  Instant seen = 0;  // By the clients' clock.
  Where where;
};

// A limit from one of its definitions to the next.
struct Version {
  const Limit* limit = nullptr;
  Instant next = kNever;        // When the next definition may come into force first.
  std::vector<Grant> grants{};  // By count, then at.low. Those that surely met this version.
  std::vector<Hold> holds{};  // Concurrency only; `most` is the highest cap that may have counted.
};

std::vector<Version> versions_of(const Ledger& ledger);

// Grants of a limit that only checks meet are placed by the clients' clock; all others, and those
// of windows that begin by the server's clock, by the server's.
bool of_clients(const Limit& limit);

// A limit's count as a busy line names it.
Name value_of(Name limit, Name value);

// What has a count of its own in one life of the server.
Name count_of(const Limit& limit, Name value, size_t life);

// Of a version's grants, those of one count.
std::span<const Grant> grants_of(std::span<const Grant> grants, Name count);

}  // namespace history

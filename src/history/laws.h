// The laws of docs/formats/history.md, one function a group. Each adds what it finds. O(n log n).
#pragma once
#include <vector>

#include "history/finding.h"
#include "history/ledger.h"

namespace history {

struct Version;  // history/grants.h

void check_deliveries(const Ledger& ledger, Findings& findings);  // exclusive attempt resurrected
                                                                  // stale
void check_lost(const Ledger& ledger, Findings& findings);        // lost
void check_order(const Ledger& ledger, Findings& findings);       // order
void check_strict(const Ledger& ledger, Findings& findings);      // strict
void check_instants(const Ledger& ledger, Findings& findings);    // delay ttl late
void check_dedup(const Ledger& ledger, Findings& findings);       // dedup
void check_limits(const Ledger& ledger, Findings& findings);      // rate concurrency utilisation
void check_told(const Ledger& ledger, const std::vector<Version>& versions,
                Findings& findings);                            // accounting
void check_promises(const Ledger& ledger, Findings& findings);  // recovery wake
void check_fairness(const Ledger& ledger, Findings& findings);  // fairness
void check_counts(const Ledger& ledger, Findings& findings);    // conservation

}  // namespace history

#include "history/history.h"
#include "history/laws.h"

namespace history {

Verdict check(History history, const Options& options) {
  Verdict verdict;
  const Ledger ledger(std::move(history), options, verdict.findings);
  for (const auto law : {check_deliveries, check_lost, check_order, check_strict, check_instants,
                         check_dedup, check_limits, check_fairness, check_counts, check_promises}) {
    law(ledger, verdict.findings);
  }
  verdict.events = ledger.events().events;
  verdict.messages = ledger.messages().size();
  verdict.deliveries = ledger.events().deliveries.size();
  verdict.lives = ledger.time().lives();
  return verdict;
}

}  // namespace history

// Asks that are answered together, and what the store has told of them so far.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "limiter/gather.h"
#include "limiter/openings.h"
#include "store/grants.h"
#include "store/law.h"

namespace store {

struct Round;

struct Part {  // What one call decides of an item.
  Round* round = nullptr;
  uint32_t item = 0;
  std::vector<uint32_t> hits{};    // Of the round's.
  std::vector<uint16_t> blocks{};  // Of the call's.
  bool charged = false;            // It has changed the store.
};

struct Item {
  limiter::Domains domains{};
  std::span<const limiter::Descriptor> descriptors{}, also{};
  limiter::GatheredSpan span{};
  int64_t cost = 1;
  limiter::Purpose purpose = limiter::Purpose::kCharge;
  bool known_domain = true;

  bool single = true;  // One part decides it.
  uint8_t parts_left = 0;
  uint8_t attempts = 0;
  bool again = false;  // Its blocks, or a calendar's window, were not known.
  base::Time about{};  // Where that window is; the epoch: where the store's clock stands.
  std::optional<base::Error> failed;
  int64_t blocked_until = 0;  // By the store's clock, us. 0: not blocked.
  int64_t now = 0;            // The store's, us.
  std::vector<Part> parts;    // Those that were told, of several.
};

struct Round {
  std::shared_ptr<const limiter::Limits> limits;  // Names in answers are views into it.
  std::deque<limiter::DescriptorCopy> descriptors;
  limiter::Gathered gathered;
  std::vector<uint32_t> met_of;  // By hit: the first limit that met it.
  std::vector<const Law*> laws;  // By hit.
  std::vector<Seen> seen;        // By hit.
  // By hit: what is known of it here, from grants. One that is taken is not asked for. Empty if no
  // limit is granted.
  std::vector<Grants::Answer> local;
  std::vector<Item> items;
  std::vector<limit::Decision> decisions;  // By hit.
  std::vector<limiter::LimitAnswer> rows;  // By met limit.
  std::vector<limiter::Answer> answers;    // By item.
  bool wants_store = false;                // An item that fails stays failed.
  std::string hold_id;                     // Of Purpose::kTake.
  base::Duration hold_ttl{};
  base::Time deadline{};
  size_t left = 0;  // Items without an answer.
  std::function<void(Round&)> done;

  bool taken(size_t hit) const {
    return !local.empty() && local[hit].known == Grants::Answer::Known::kTaken;
  }
};

// What the item's decisions come to, when all hits have been seen at `now` or before. Hits that
// were not charged show their states as they are.
void conclude(Round& round, Item& item, int64_t now, bool charges, limiter::Answer& answer);

}  // namespace store

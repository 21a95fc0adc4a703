// Releases and renewals of holds in the store, until it has confirmed them: each may be made again.
//
// Thread: its loop's; add() also before begin().
#pragma once
#include <boost/unordered/unordered_map.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/alarm.h"
#include "redis/soon.h"
#include "store/line.h"
#include "store/settling.h"
#include "store/ticket_common.h"

namespace store {

class TicketHolds {
 public:
  static constexpr size_t kOwedMax = 100'000;  // Then the oldest are forgotten, and end by time.

  TicketHolds(Common::Body& common, TicketCommon& shared) : common_(common), shared_(shared) {}
  ~TicketHolds();

  void begin(io::Loop& loop, Line& line);
  // A later change of the same hold takes the place of an earlier one.
  struct Owed {
    Change change;       // kRelease or kRenew.
    base::Time until{};  // Of a renewal.
  };
  void add(Owed owed);
  size_t size() const { return owed_.size(); }
  void flush();

 private:
  struct Entry {
    Owed owed;
    uint64_t sequence = 0;  // Of what is meant; what was sent before means nothing any more.
    bool queued = false;    // Is in `order_`.
  };
  void queue(const std::string& name, Entry& entry);
  void send();
  void confirmed(const std::vector<std::pair<std::string, uint64_t>>& sent, bool well);
  void forget(const std::string& name);

  Common::Body& common_;
  TicketCommon& shared_;
  Line* line_ = nullptr;
  std::optional<redis::Soon> soon_;
  std::optional<io::Alarm> again_;
  boost::unordered_map<std::string, Entry> owed_;  // By state and id.
  std::deque<std::string> order_;                  // To be sent.
  uint64_t sequence_ = 0;
  base::Duration pause_{};  // Not zero: a call has failed, and the next one waits so long.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace store

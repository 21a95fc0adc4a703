// The URLs in hand: at most so many wait or run at a time, each host has a share of them, and what
// is over its host's share waits on disk (spill.h). So a file sorted by host, or a host that does
// not answer, does not keep the others out.
//
//   share of a host = what is free / 32, and at least twice what may run there at a time
//
// The order of a host's URLs is kept: while some of it is on disk, all new ones go there.
//
// Thread: one owner.
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "fetch/spill.h"
#include "queue/queue.h"

namespace fetch {

struct Host {
  std::string name;
  size_t in_hand = 0;
  std::unique_ptr<Spill::Lines> spilled;  // Null: none.
  std::vector<queue::Number> numbers;     // Of what was added, in order; what went before `first`
  size_t first = 0;                       // has run.
  base::Time trouble{};     // Since when it has given no answer but "later"; the epoch: it has.
  std::string given_up;     // Why; empty: it is not.
  bool ending = false;      // Given up, and its owner still has to end what is here.
  bool remembered = false;  // Given up, and nothing of it is here any more.
};

class Window {
 public:
  struct Terms {
    size_t most = 100'000;
    size_t per_host = 8;
    Spill::Bounds spill{};
    std::string spill_dir{};
  };
  explicit Window(Terms terms);

  Host& host(std::string_view name);  // Stays while it has something in hand or on disk.

  enum class Place : uint8_t { kHand, kDisk, kNowhere };
  // Where one more URL of the host goes. kNowhere: nothing can be read until something has ended.
  Place place_for(const Host& host) const;
  void enter(Host& host, queue::Number number);
  void started(Host& host, queue::Number number);
  void left(Host& host);
  base::Status spill(Host& host, uint64_t index, std::string_view text);
  // Is it the turn of a URL of the host that waits on disk?
  bool may_return(const Host& host) const;
  base::Result<Spill::Line> take_back(Host& host);
  void forget_if_idle(Host& host);

  bool has_room() const { return in_hand_ < terms_.most; }
  size_t in_hand() const { return in_hand_; }
  uint64_t spilled() const { return spilled_; }
  size_t hosts() const { return hosts_.size(); }
  const Spill& disk() const { return spill_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  static constexpr size_t kGivenUpMax = 10'000;  // Remembered, though nothing of them is here.
  size_t share() const;

  const Terms terms_;
  Spill spill_;
  boost::unordered_flat_map<std::string, std::unique_ptr<Host>, Hash, std::equal_to<>> hosts_;
  size_t in_hand_ = 0;
  uint64_t spilled_ = 0;
  size_t given_up_ = 0;
};

}  // namespace fetch

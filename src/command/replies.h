// The answers of one connection, in the order of its requests, however late some of them are.
//
//   out ─┬─ [owed] parked… ─ [owed] parked… ─ (the next answer)
//        └ bytes that may be sent
//
// While nothing is owed an answer is appended to out at once. Behind an owed answer the ones that
// are there already are parked; when the first owed answer is filled, it and what is parked behind
// it move to out, up to the next one owed.
//
// Thread: one owner; answers are filled on the owner's thread too.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "command/counters.h"
#include "command/verb.h"

namespace command {

// More than either, and the connection's next requests wait (P10).
inline constexpr size_t kOwedMax = 1024;
inline constexpr size_t kParkedBytesMax = size_t{1} << 20;
inline constexpr size_t kAskedBytesMax = size_t{4} << 20;  // Of requests that are under way.

// What Replies and its Laters both hold. Shared, because a Later may be filled after its connection
// has gone, and a connection may go while answers are owed: neither can own the other.
struct Owed {
  struct Place {
    std::string answer;
    std::string behind;  // Answers that are parked behind it.
    bool filled = false;
    bool holds_up = false;
    size_t asked_bytes = 0;  // What its requests keep until it is filled.
  };

  Owed(Counters& all, std::function<void()> ready) : counters(all), on_ready(std::move(ready)) {}
  void fill(uint64_t place, std::string answer);              // Counts it, if it is an error.
  void fill_counted(uint64_t place, std::string_view bytes);  // Of answers that are counted.
  bool full() const;

  Counters& counters;
  std::function<void()> on_ready;
  std::string out;
  std::deque<Place> places;
  uint64_t first = 0;       // The number of places.front().
  size_t holding_up = 0;    // Unfilled places that hold up the requests behind them.
  size_t parked_bytes = 0;  // Of all places, but for what is parked behind the last.
  size_t asked_bytes = 0;   // Of the places that are not filled.
  bool feeding = false;     // The owner is inside feed() and will look for itself.
  bool gone = false;        // The connection is.

 private:
  void filled(Place& place);
  bool settle();  // Moves what may be sent to out; true if anything moved.
};

class Replies {
 public:
  Replies(Counters& counters, std::function<void()> on_ready)
      : owed_(std::make_shared<Owed>(counters, std::move(on_ready))) {}
  ~Replies();
  Replies(const Replies&) = delete;
  Replies& operator=(const Replies&) = delete;

  std::string& out() { return owed_->out; }
  // Where the next answer is to be appended. Valid until an answer is deferred or filled.
  std::string& next() { return owed_->places.empty() ? owed_->out : owed_->places.back().behind; }
  struct Terms {
    bool hold_up = false;
    size_t asked_bytes = 0;
  };
  Later defer(protocol::Wire wire, Terms terms);

  bool owing() const { return !owed_->places.empty(); }
  bool holding_up() const { return owed_->holding_up > 0 || owed_->full(); }
  void feeding(bool inside) { owed_->feeding = inside; }

 private:
  std::shared_ptr<Owed> owed_;  // Shared: see Owed.
};

}  // namespace command

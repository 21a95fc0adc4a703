// The walks behind Targets requests, one after the other: all flows of the shard, a slice a tick.
//
// Thread: one owner.
#pragma once
#include <boost/unordered/unordered_map.hpp>
#include <cstdint>
#include <deque>
#include <string>

#include "engine/books.h"
#include "engine/gate.h"
#include "engine/request.h"
#include "engine/template.h"

namespace engine {

class TargetsWalk {
 public:
  static constexpr size_t kSlice = 512;             // Flows.
  static constexpr size_t kHostsSeenMax = 100'000;  // More of them are in no row.

  static constexpr size_t kAskedMax = 64;

  bool idle() const { return asked_.empty(); }
  [[nodiscard]] bool add(Request& request);  // False: kAskedMax are here.
  // One slice. True: that was the last one, and the first request has its rows.
  bool slice(Books& books, Gate& gate);  // REQUIRES: !idle().
  Request& end();                        // The first request, which is no longer here.
  Request* leave(uint64_t connection);   // One of its requests, the same; null: none.

 private:
  void see(queue::FlowId id, const queue::Store::Flow& flow, Books& books, Gate& gate);
  void fill();

  std::deque<Request*> asked_;  // The first one is being walked for.
  uint64_t cursor_ = 0;
  boost::unordered_map<std::string, Targets::Row> rows_;
  boost::unordered_map<std::string, uint64_t> reasons_;
  AskText text_;
  std::string host_;  // Scratch.
};

}  // namespace engine

// The walk behind a Targets request: all flows of the shard, a slice a tick.
//
// Thread: one owner.
#pragma once
#include <boost/unordered/unordered_map.hpp>
#include <cstdint>
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

  Request* request() const { return request_; }  // Null: no walk is under way.
  void begin(Request& request);                  // REQUIRES: none is.
  // One slice. True: that was the last one, and the request has its rows.
  bool slice(Books& books, Gate& gate);
  Request& end();  // The request, which is no longer this walk's business.

 private:
  void see(queue::FlowId id, const queue::Store::Flow& flow, Books& books, Gate& gate);
  void fill();

  Request* request_ = nullptr;
  uint64_t cursor_ = 0;
  boost::unordered_map<std::string, Targets::Row> rows_;
  boost::unordered_map<std::string, uint64_t> reasons_;
  AskText text_;
  std::string host_;  // Scratch.
};

}  // namespace engine

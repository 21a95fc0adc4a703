// Who waits for messages: requests Dequeue with a WAIT, served by arrival. And when any request
// that waits, a Check too, has waited long enough.
//
// Thread: one owner.
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_map.hpp>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "engine/request.h"

namespace engine {

class Consumers {
 public:
  // By name: a queue that does not exist yet is waited for like an empty one.
  void add(Request& dequeue, base::Time deadline);
  void add_check(Request& check, base::Time deadline);
  void remove(Request& request);  // If it waits.

  Request* first(std::string_view queue);  // Null: nobody waits.
  bool contains(Request& request) const { return waiting_.contains(&request); }
  uint64_t wanted(std::string_view queue) const;  // Messages, by all who wait for it.
  // Those among them who wait for answers only that are on their way (Dequeue::wait is zero).
  std::vector<Request*> impatient(std::string_view queue) const;
  bool any(std::string_view queue) const { return !waiting_.empty() && by_queue_.contains(queue); }
  size_t size() const { return waiting_.size(); }
  template <typename Visit>
  void each_queue(Visit&& visit) const {
    for (const auto& [queue, line] : by_queue_) visit(std::string_view(queue));
  }

  base::Time due() const;
  Request* over(base::Time now);  // One whose deadline has come; it stays until it is removed.
  std::vector<Request*> of(uint64_t connection) const;
  std::vector<Request*> all() const;

 private:
  struct Line {
    std::list<Request*> requests;
    uint64_t wanted = 0;
  };
  struct Waiting {
    base::Time deadline;
    std::vector<std::pair<std::string, std::list<Request*>::iterator>> places;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  void note(Request& request, base::Time deadline);

  boost::unordered_map<Request*, Waiting> waiting_;
  boost::unordered_map<std::string, Line, Hash, std::equal_to<>> by_queue_;
  std::multimap<base::Time, Request*> deadlines_;
  std::multimap<uint64_t, Request*> by_connection_;
  size_t impatient_ = 0;
};

}  // namespace engine

// The queues by id and by name.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "queue/index.h"
#include "queue/record.h"

namespace queue {

class Queues {
 public:
  Queues() : index_({&queues_}) {}

  Queue* find(QueueId id);  // nullptr: it is not there, or dropped.
  Queue* find(std::string_view name);
  Queue& add(QueueId id, std::string_view name);  // REQUIRES: neither is there.
  void apply(Queue& queue, const Settings& settings);
  void hide(Queue& queue);  // From find(), and from its name; it lives until free().
  void free(Queue& queue);
  const std::map<std::string_view, Queue*>& by_name() const { return names_; }
  Queue& at(uint32_t slot) { return *queues_[slot]; }
  std::deque<std::unique_ptr<Queue>>& slots() { return queues_; }
  size_t bytes() const { return bytes_ + index_.bytes(); }

 private:
  struct Links {
    std::deque<std::unique_ptr<Queue>>* queues;
    static uint32_t hash_of(QueueId id) { return id * 0x9e3779b1u >> 4; }
    uint32_t hash(uint32_t slot) const { return hash_of((*queues)[slot]->id); }
    uint32_t& next(uint32_t slot) { return (*queues)[slot]->hash_next; }
  };
  static size_t bytes_of(const Queue& queue);

  std::deque<std::unique_ptr<Queue>> queues_;
  std::vector<uint32_t> holes_;
  Index<Links> index_;
  std::map<std::string_view, Queue*> names_;
  Queue* last_ = nullptr;  // That was found by its id.
  size_t bytes_ = 0;
};

}  // namespace queue

#include "queue/queues.h"

#include "base/check.h"

namespace queue {

Queue* Queues::find(QueueId id) {
  if (last_ != nullptr && last_->id == id) return last_;
  const uint32_t slot =
      index_.find(Links::hash_of(id), [&](uint32_t s) { return queues_[s]->id == id; });
  if (slot == kNone) return nullptr;
  return last_ = queues_[slot].get();
}

Queue* Queues::find(std::string_view name) {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : found->second;
}

Queue& Queues::add(QueueId id, std::string_view name) {
  uint32_t slot = static_cast<uint32_t>(queues_.size());
  if (holes_.empty()) {
    queues_.emplace_back();
  } else {
    slot = holes_.back();
    holes_.pop_back();
  }
  queues_[slot] = std::make_unique<Queue>();
  Queue& queue = *queues_[slot];
  queue.id = id;
  queue.slot = slot;
  queue.name = name;
  index_.insert(slot);
  CHECK(names_.emplace(queue.name, &queue).second);
  bytes_ += bytes_of(queue);
  return queue;
}

void Queues::apply(Queue& queue, const Settings& settings) {
  bytes_ -= bytes_of(queue);
  queue.settings = settings;
  queue.weights = {settings.weights.begin(), settings.weights.end()};
  ++queue.weights_version;
  bytes_ += bytes_of(queue);
}

void Queues::hide(Queue& queue) {
  names_.erase(queue.name);
  index_.erase(queue.slot);
  if (last_ == &queue) last_ = nullptr;
}

void Queues::free(Queue& queue) {
  const uint32_t slot = queue.slot;
  bytes_ -= bytes_of(queue);
  queues_[slot].reset();
  holes_.push_back(slot);
}

size_t Queues::bytes_of(const Queue& queue) {
  constexpr size_t kMapNode = 48;  // Three links and a colour, and what the heap adds.
  size_t bytes = sizeof(Queue) + queue.name.capacity() + 2 * sizeof(void*) + kMapNode;
  for (const auto& [key, weight] : queue.settings.weights)
    bytes += 2 * (sizeof(std::pair<std::string, uint32_t>) + key.size()) + kMapNode;
  for (const std::string& descriptor : queue.settings.decide.descriptors)
    bytes += sizeof(std::string) + descriptor.size();
  return bytes;
}

}  // namespace queue

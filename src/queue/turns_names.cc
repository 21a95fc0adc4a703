// Flows and keys by name: how they come and vanish.
#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "queue/turns.h"

namespace queue {
namespace {

// What an allocation of so many bytes takes of the heap.
size_t heap_bytes(size_t bytes) { return std::max<size_t>((bytes + 8 + 15) & ~size_t{15}, 32); }

}  // namespace

Turns::Turns(Messages& messages, uint64_t hash_seed)
    : messages_(messages),
      seed_(hash_seed),
      flow_index_({&flows_}),
      key_index_({&keys_}),
      by_age_({&messages}),
      by_head_({&flows_}),
      by_turn_({&keys_}) {}

Turns::~Turns() {
  size_t budget = ~size_t{0};
  for (uint32_t i = 0; (i = flows_.seek(i, budget)) < flows_.end(); ++i) delete[] flows_[i].text;
  for (uint32_t i = 0; (i = keys_.seek(i, budget)) < keys_.end(); ++i) delete[] keys_[i].text;
}

char* Turns::keep_text(std::string_view text) {
  if (text.empty()) return nullptr;
  char* kept = new char[text.size()];
  std::memcpy(kept, text.data(), text.size());
  text_bytes_ += heap_bytes(text.size());
  return kept;
}

void Turns::drop_text(char* text, size_t bytes) {
  if (text == nullptr) return;
  delete[] text;
  text_bytes_ -= heap_bytes(bytes);
}

uint32_t Turns::hash_of(std::string_view text, uint64_t under) const {
  return static_cast<uint32_t>(base::hash128(text, seed_ ^ (under * 0x9e3779b97f4a7c15u)).low);
}

FlowId Turns::open(Queue& queue, std::string_view key_text, std::string_view descriptors) {
  const uint32_t key = open_key(queue, key_text);
  FlowId id = keys_[key].plain;
  if (!descriptors.empty()) {
    const uint32_t hash = hash_of(descriptors, uint64_t{1} << 32 | key);
    id = flow_index_.find(hash, [&](uint32_t slot) {
      const Flow& flow = flows_[slot];
      return flow.hash == hash && flow.key == key &&
             std::string_view(flow.text, flow.text_bytes) == descriptors;
    });
    if (id == kNone) id = make_flow(key, descriptors, hash);
  } else if (id == kNone) {
    id = keys_[key].plain = make_flow(key, descriptors, 0);
  }
  refresh(id);
  return id;
}

FlowId Turns::make_flow(uint32_t key, std::string_view descriptors, uint32_t hash) {
  const FlowId id = flows_.take();
  Flow& flow = flows_[id];
  flow.queue = keys_[key].queue;
  flow.key = key;
  flow.text = keep_text(descriptors);
  flow.text_bytes = static_cast<uint32_t>(descriptors.size());
  flow.epoch = flow.queue->epoch - 1;  // So that the first refresh() reaches its key.
  flow.hash = hash;
  if (flow.text != nullptr) flow_index_.insert(id);
  ++keys_[key].flows;
  return id;
}

uint32_t Turns::open_key(Queue& queue, std::string_view text) {
  uint32_t id = queue.plain;
  uint32_t hash = 0;
  if (!text.empty()) {
    hash = hash_of(text, queue.id);
    id = key_index_.find(hash, [&](uint32_t slot) {
      const Key& key = keys_[slot];
      return key.hash == hash && key.queue == &queue && key.name() == text;
    });
  }
  if (id == kNone) return make_key(queue, text, hash);
  if (keys_[id].where == Key::Where::kIdle) {
    take_out(id);
    ++queue.keys;
  }
  return id;
}

uint32_t Turns::make_key(Queue& queue, std::string_view text, uint32_t hash) {
  const uint32_t id = keys_.take();
  Key& key = keys_[id];
  key.queue = &queue;
  key.text = keep_text(text);
  key.text_bytes = static_cast<uint16_t>(text.size());
  key.turn = queue.virtual_time;
  key.epoch = queue.epoch;
  key.hash = hash;
  if (text.empty())
    queue.plain = id;
  else
    key_index_.insert(id);
  ++queue.keys;
  return id;
}

void Turns::vanish(FlowId id) {
  Flow& flow = flows_[id];
  const uint32_t key = flow.key;
  if (flow.text != nullptr)
    flow_index_.erase(id);
  else
    keys_[key].plain = kNone;
  drop_text(flow.text, flow.text_bytes);
  flows_.give(id);
  if (--keys_[key].flows == 0) retire_key(key);
}

void Turns::retire_key(uint32_t id) {
  Queue& queue = *keys_[id].queue;
  --queue.keys;
  if (keys_[id].turn > queue.virtual_time && !queue.dropped)
    place_key(id, Key::Where::kIdle, 0);
  else
    free_key(id);
  forget_some(queue);
}

void Turns::free_key(uint32_t id) {
  Key& key = keys_[id];
  take_out(id);
  if (key.text == nullptr)
    key.queue->plain = kNone;
  else
    key_index_.erase(id);
  drop_text(key.text, key.text_bytes);
  keys_.give(id);
}

// One more came; four a call keep them within their bound, which is small when no key is left.
void Turns::forget_some(Queue& queue) {
  for (int i = 0; (i < 4 || queue.keys == 0) && queue.idle != kNone; ++i) {
    const uint32_t id = by_turn_.first(queue.idle);
    const bool over = queue.idle_keys > kIdleMin + queue.keys;
    if (keys_[id].turn > queue.virtual_time && !over) return;
    queue.virtual_time = std::max(queue.virtual_time, keys_[id].turn);
    free_key(id);
  }
  if (queue.keys == 0) queue.virtual_time = queue.turn_max = 0;
}

bool Turns::forget_idle(Queue& queue) {
  if (queue.idle != kNone) free_key(by_turn_.first(queue.idle));
  return queue.idle != kNone;
}

size_t Turns::memory_bytes() const {
  return flows_.bytes() + keys_.bytes() + flow_index_.bytes() + key_index_.bytes() + text_bytes_ +
         changed_.capacity() * sizeof(FlowId);
}

}  // namespace queue

// What the configuration says of queues. Read at the start, and again at each reload.
#pragma once
#include "engine/engine.h"

namespace server {

struct QueueRules {
  engine::Declared declared;
  queue::Settings defaults;   // Of queues that nobody declared.
  bool creation_open = true;  // ENQUEUE and QUEUE SET make queues that are not there.
};

// What shard `shard` of `shards` has to know of: the queues that live in it.
QueueRules rules_of(const QueueRules& rules, uint32_t shard, uint32_t shards);

}  // namespace server

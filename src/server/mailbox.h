// What the threads of the shards put in each other's way. What arrives in one round of a thread's
// loop is swapped out as a whole.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "base/hash.h"
#include "base/mutex.h"
#include "engine/request.h"
#include "io/bell.h"

namespace server {

struct Mail {
  std::vector<engine::Request*> requests;              // To shards of the receiver.
  std::vector<std::unique_ptr<engine::Run>> answered;  // Back where they were submitted.
  struct Freed {
    uint32_t shard;
    base::Hash128 state;
    friend bool operator==(const Freed&, const Freed&) = default;
  };
  std::vector<Freed> freed;     // Limits that the receiver's shards watch.
  bool limits_changed = false;  // To every shard of the receiver.

  bool empty() const {
    return requests.empty() && answered.empty() && freed.empty() && !limits_changed;
  }
  void clear();
};

// Thread: put…() any; take() the owner's.
class Mailbox {
 public:
  Mailbox(io::Poll& poll, std::function<void()> arrived) : bell_(poll, std::move(arrived)) {}

  void put(Mail& mail);  // Moves what is in it, behind what is there; leaves it empty.
  void put_freed(Mail::Freed freed);
  void put_limits_changed();
  void ring() { bell_.ring(); }
  void take(Mail& into);  // REQUIRES: `into` is empty. Keeps its room for what comes next.

 private:
  io::Bell bell_;
  base::Mutex mutex_;
  Mail mail_ GUARDED_BY(mutex_);
};

}  // namespace server

#include "load/work.h"

#include <initializer_list>

namespace load {
namespace {

constexpr uint16_t set(std::initializer_list<Verb> verbs) {
  uint16_t bits = 0;
  for (const Verb verb : verbs) bits = static_cast<uint16_t>(bits | 1u << static_cast<int>(verb));
  return bits;
}

using enum Verb;
constexpr uint16_t kOurs = set({kPing, kCheck, kThrottle, kRequest, kEnqueue, kDequeue, kAck});
constexpr std::array<uint16_t, kWireNames.size()> kCan = {
    kOurs,
    kOurs,
    set({kPing, kCheck, kRequest, kEnqueue, kDequeue, kAck}),
    set({kPing, kThrottle, kIncr, kGcra, kRequest, kEnqueue, kDequeue}),
    set({kPing, kEnqueue}),
    set({kEnqueue, kDequeue, kAck}),
    set({kPing, kEnqueue, kDequeue, kAck}),
    set({kEnqueue}),
};

base::Status check_durability(const Work& work) {
  if (!work.durability) return {};
  const bool memory = *work.durability == Durability::kMemory;
  switch (work.wire) {
    case Wire::kLine:
    case Wire::kResp:
    case Wire::kHttp:
    case Wire::kRedis:
    case Wire::kRedisStream:
      return {};
    case Wire::kNats:
      if (memory) return {};
      return base::invalid(
          "--durability: of nats only memory; when files are synced is the "
          "server's own setting (sync_interval)");
    case Wire::kBeanstalk:
      return base::invalid("--durability: of beanstalkd it is set by its own flags (-b DIR -f0)");
    case Wire::kRabbit:
      return base::invalid("--durability: the queue of rabbit is a quorum queue, which syncs");
  }
  return {};
}

}  // namespace

bool can(Wire wire, Verb verb) {
  return (kCan[static_cast<size_t>(wire)] >> static_cast<int>(verb) & 1) != 0;
}

base::Status check_work(const Work& work, bool open_loop) {
  std::vector<Verb> verbs;
  if (work.shape == Shape::kMix) {
    for (const Share& share : work.mix) verbs.push_back(share.verb);
  } else {
    verbs.push_back(kDequeue);
    if (work.shape == Shape::kCycle) verbs.push_back(kEnqueue);
  }
  for (const Verb verb : verbs) {
    if (can(work.wire, verb)) continue;
    return base::invalid("--work: " + std::string(kVerbNames[static_cast<size_t>(verb)]) +
                         " cannot be asked over --talk " +
                         std::string(kWireNames[static_cast<size_t>(work.wire)]));
  }
  for (const Verb verb : verbs) {
    if (verb == kRequest && work.own.text.empty())
      return base::invalid("--request: --work request needs its words, or a path");
  }
  const bool several = verbs.size() > 1 || verbs.front() == kDequeue;
  if (!keeps_order(work.wire) && several &&
      (work.shape == Shape::kMix || work.overlap || open_loop)) {
    return base::invalid(
        "--work: nats answers verbs in any order, so only one at a time: ping, "
        "enqueue, or cycle, dequeue and drain without --overlap and --rate");
  }
  return check_durability(work);
}

}  // namespace load

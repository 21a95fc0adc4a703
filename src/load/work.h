// What a load asks for, and of whom.
//
// The wires and what can be asked over each; a verb that a wire does not have is refused by name:
//
//                 ping check throttle incr gcra-lua request enqueue dequeue (and acknowledge)
//   line, resp     x     x      x                      x       x       x    ratelimmq
//   http           x     x                             x       x       x    ratelimmq, any server
//   redis          x            x      x       x       x       x       x    LPUSH; RPOP
//   acknowledges redis-stream   x                                           x            XADD
//   beanstalk                                                  x       x    put; reserve, delete
//   nats           x                                           x       x    JetStream, pulled
//   rabbit                                                     x            AMQP 0-9-1, confirms
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "load/keys.h"
#include "load/stencil.h"

namespace load {

enum class Wire : uint8_t { kLine, kResp, kHttp, kRedis, kRedisStream, kBeanstalk, kNats, kRabbit };
inline constexpr std::array<std::string_view, 8> kWireNames = {
    "line", "resp", "http", "redis", "redis-stream", "beanstalk", "nats", "rabbit"};

enum class Verb : uint8_t {
  kPing,
  kCheck,
  kThrottle,
  kIncr,
  kGcra,
  kRequest,
  kEnqueue,
  kDequeue,
  kAck
};
inline constexpr size_t kVerbs = 9;
inline constexpr std::array<std::string_view, kVerbs> kVerbNames = {
    "ping", "check", "throttle", "incr", "gcra-lua", "request", "enqueue", "dequeue", "ack"};

bool can(Wire wire, Verb verb);
// Answers to different verbs come in the order of the requests. (Of one verb they do always.)
constexpr bool keeps_order(Wire wire) { return wire != Wire::kNats; }

// In which order.
enum class Shape : uint8_t {
  kMix,    // Each request is drawn from the mix.
  kCycle,  // Enqueue, dequeue, acknowledge. One operation: a message that went all the way.
  kTake,   // Dequeue and acknowledge. One operation: a message.
  kDrain   // The same, until nothing is left.
};

enum class Durability : uint8_t { kFsync, kOs, kMemory };
inline constexpr std::array<std::string_view, 3> kDurabilityNames = {"fsync", "os", "memory"};

struct Share {
  Verb verb = Verb::kPing;
  uint32_t weight = 1;
};

// A rate that the server is said to keep: `burst` + `count` in each `period`.
struct Law {
  uint64_t count = 0, burst = 1;
  base::Duration period{};
};

// The request of the verb `request`, as text with holes (stencil.h).
struct Own {
  std::string text;            // Words with a space between them; over HTTP: the path.
  std::string method = "GET";  // HTTP.
  std::vector<std::string> fields;
  std::string content;
};

struct Work {
  Wire wire = Wire::kResp;
  Shape shape = Shape::kMix;
  std::vector<Share> mix;
  size_t pipeline = 1;  // Requests that leave together.
  KeyTerms keys;
  bool message_keys = false;  // Messages have a key too.
  Spelling spelling;
  bool dedup = false;    // Each message has an id of its own.
  uint64_t count = 0;    // Messages of one DEQUEUE or RPOP, receipts of one ACK; 0: one, one each.
  bool overlap = false;  // A cycle's verbs leave together, the ACK a batch later.
  uint64_t first = 0;    // Where the numbers of requests begin.
  int64_t wait_ms = 0;   // Of CHECK and DEQUEUE.
  int64_t lease_ms = 0;  // Of DEQUEUE; 0: as the queue says.
  std::string domain = "bench", descriptor = "key={key}";
  Law throttle{1'000'000, 1'000'000, std::chrono::seconds(60)};
  std::optional<Durability> durability;
  Own own;
  std::string host;  // For the field of that name.
  uint64_t seed = 1;
};

// The first thing that cannot be; the text names the flag.
base::Status check_work(const Work& work, bool open_loop);

}  // namespace load

// What a queue is told: plain values, with the defaults of docs/queues.md.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace queue {

// What an answer promises. kMemory: gone with the process; nothing is written.
enum class Durability : uint8_t { kFsync, kOs, kMemory };

struct Backoff {  // base · factor^(failures - 1), at most max, ± jitter_ppm.
  base::Duration base = std::chrono::seconds(1);
  int64_t factor_milli = 2000;  // Thousandths.
  base::Duration max = std::chrono::minutes(10);
  int64_t jitter_ppm = 200'000;
  friend bool operator==(const Backoff&, const Backoff&) = default;
};

// Which limits a delivery meets: "tenant={header:tenant}" and so on. An empty domain: none.
struct Decide {
  std::string domain;
  std::vector<std::string> descriptors;  // Templates.
  friend bool operator==(const Decide&, const Decide&) = default;
};

// Deliveries that the dispatcher makes by itself, over HTTP. An empty url: the queue has consumers.
struct Push {
  std::string url;  // A template: "https://example.com/hook", "{header:url}".
  std::string method = "POST";
  base::Duration timeout = std::chrono::seconds(10);  // Of the whole exchange, body included.
  uint16_t redirects = 0;          // Followed at most: 307, 308, to the same host.
  std::string signing_secret_env;  // The environment variable that has the secret; empty: unsigned.
  bool on() const { return !url.empty(); }
  friend bool operator==(const Push&, const Push&) = default;
};

struct Settings {
  base::Duration lease = std::chrono::seconds(30);
  uint16_t attempts = 16;
  Backoff backoff;
  uint32_t in_flight_per_key = 0;  // 0: no cap.
  Durability durability = Durability::kFsync;
  base::Duration ttl{};  // 0: none.
  base::Duration dedup_window = std::chrono::minutes(5);
  Decide decide;
  base::Duration dead_keep{};  // How long dead letters are kept; 0: for ever.
  bool dead_expired = false;   // Expired messages become dead letters.
  std::vector<std::pair<std::string, uint32_t>> weights;  // By key; "*": all others (1).
  uint64_t messages_max = 0;                              // Waiting and leased; 0: none.
  uint64_t bytes_max = 0;                                 // Of their bodies; 0: none.
  bool paused_in = false, paused_out = false;
  Push push;
  friend bool operator==(const Settings&, const Settings&) = default;
};

inline constexpr base::Duration kLeaseMin = std::chrono::milliseconds(1);
inline constexpr base::Duration kLeaseMax = std::chrono::hours(12);
inline constexpr base::Duration kDelayMax = std::chrono::hours(24 * 365);  // And of a TTL.
inline constexpr base::Duration kDedupWindowMax = std::chrono::hours(24 * 7);
inline constexpr base::Duration kPushTimeoutMin = std::chrono::milliseconds(1);
inline constexpr base::Duration kPushTimeoutMax = std::chrono::hours(1);
inline constexpr uint16_t kPushRedirectsMax = 20;
inline constexpr size_t kPushUrlBytesMax = 2048;
inline constexpr uint32_t kPriorityDefault = 1024;
inline constexpr uint16_t kAttemptsMax = 65'535;
inline constexpr uint32_t kWeightMax = 1'000'000;
inline constexpr size_t kNameBytesMax = 200;  // Of a queue.
inline constexpr size_t kKeyBytesMax = 512;
inline constexpr size_t kHeadersMax = 64;
inline constexpr size_t kHeaderNameBytesMax = 128;
inline constexpr size_t kHeadersBytesMax = 8192;
inline constexpr size_t kDedupBytesMax = 512;
inline constexpr size_t kReasonBytesMax = 512;

}  // namespace queue

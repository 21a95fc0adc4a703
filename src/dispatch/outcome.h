// What the answer to a pushed message, or its absence, means for the message and for its host.
//
//   2xx                                  done
//   429; 503 with Retry-After            the host is blocked; the message goes back, no failure
//                                        (until it is kGoesBackMax old: then a failure)
//   410                                  dead
//   3xx, other 4xx, 5xx, no answer       a failure: retried with back-off until its last attempt
//   the address guard or the URL refuse  dead: a repeat would be refused too
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace dispatch {

// The kinds of http::Failure, as far as they mean different things here.
enum class Failure : uint8_t {
  kNone,
  kRefused,
  kDns,
  kConnect,
  kTls,
  kTimeout,
  kTooLarge,
  kBroken
};

struct Exchange {  // What came of a request.
  Failure failure = Failure::kNone;
  int status = 0;                                      // 0: none came.
  std::string_view retry_after{}, ratelimit{}, age{};  // Fields as received; empty: none.
  std::string_view error{};                            // For people.
};

enum class Outcome : uint8_t { kDone, kGoesBack, kFailed, kDead };
std::string_view to_string(Outcome outcome);

inline constexpr base::Duration kGoesBackMax = std::chrono::hours(24);

struct Judgement {
  Outcome outcome = Outcome::kDone;
  // How long the host wants to be left alone, where it says so; nothing: own back-off.
  std::optional<base::Duration> host_wait;
  bool host_busy = false;    // 429, 503 with Retry-After: block the host.
  bool host_failed = false;  // Counts against its circuit breaker.
  bool host_alive = false;   // Proves that it answers.
  std::string reason;        // For SHOW: "429 Retry-After 30 s", "timeout: …"; empty when done.
};
// `wall` is the wall clock, for dates in Retry-After; `age` of the message since it was enqueued.
Judgement judge(const Exchange& exchange, base::Time wall, base::Duration age);

}  // namespace dispatch

// What the proxy's connections count. Shared by all threads, which count without meeting.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "base/time.h"
#include "metric/metric.h"

namespace proxy {

// Why an upstream gave no answer, or none to its end.
enum class UpstreamFailure : uint8_t {
  kLookup,    // Its name has no address, or its URL is none.
  kConnect,   // Nobody listens there.
  kTimeout,   // Over its route's timeout.
  kEnded,     // The connection ended early.
  kBroken,    // What came is no answer, or none that may be passed on.
  kTooLarge,  // Over the route's bound.
};
inline constexpr size_t kUpstreamFailures = 6;
std::string_view to_string(UpstreamFailure failure);

// Thread: any.
class Traffic {
 public:
  void answered(int status);  // Of every answer to a client, ours and upstreams'.
  void failed(UpstreamFailure failure);
  void first_byte(base::Duration took);  // From the request's first byte upstream to the answer's.
  void opened() { open_.add(1); }
  void closed() { open_.add(-1); }
  void reused() { reused_.add(); }
  void collect(metric::Families& families) const;

 private:
  static constexpr size_t kClasses = 5;  // 1xx to 5xx.
  std::array<metric::Counter, kClasses> by_class_;
  std::array<metric::Counter, kUpstreamFailures> failures_;
  metric::Histogram first_byte_;
  metric::Gauge open_;
  metric::Counter reused_;
};

}  // namespace proxy

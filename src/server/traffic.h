// What the listeners count.
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "metric/metric.h"

namespace server {

// Of one listener. Thread: any.
struct ListenerTraffic {
  explicit ListenerTraffic(std::string listener) : name(std::move(listener)) {}

  std::string name;
  metric::Gauge open;
  metric::Counter accepted;
  metric::Counter refused_full;     // Over connections_max.
  metric::Counter refused_foreign;  // From outside the trusted networks.
  metric::Counter accept_errors;    // Out of descriptors or memory.
  metric::Counter bytes_read, bytes_sent;
};

// Counts one connection as open while it lives, from its acceptance to the end of its session.
class Presence {
 public:
  explicit Presence(ListenerTraffic& traffic) : traffic_(&traffic) { traffic.open.add(1); }
  Presence(Presence&& other) noexcept : traffic_(std::exchange(other.traffic_, nullptr)) {}
  Presence& operator=(Presence&&) = delete;
  ~Presence() {
    if (traffic_ != nullptr) traffic_->open.add(-1);
  }
  ListenerTraffic& traffic() { return *traffic_; }

 private:
  ListenerTraffic* traffic_;
};

// Of requests of the api and the limiter listener. Thread: any.
class HttpTraffic {
 public:
  void answered(int status, base::Duration took);
  void refused(int status);  // Could not be read, so it took no time.
  void collect(metric::Families& families) const;

 private:
  static constexpr size_t kClasses = 5;  // 1xx to 5xx.
  std::array<metric::Counter, kClasses> by_class_;
  metric::Histogram took_;
};

// All of the listeners; families want a name's samples together.
struct Traffic {
  ListenerTraffic tcp{"tcp"};
  ListenerTraffic api{"api"};
  ListenerTraffic gateway{"gateway"};
  ListenerTraffic limiter{"limiter"};
  HttpTraffic http;  // Of api and limiter.

  std::array<const ListenerTraffic*, 4> all() const { return {&tcp, &api, &gateway, &limiter}; }
  int64_t open() const;
  uint64_t accepted() const;
  void collect(metric::Families& families) const;
};

}  // namespace server

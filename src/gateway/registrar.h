// A limiter instance's side of the registry: says to every gateway that it is there, again and
// again, and at the end that it leaves.
//
// Thread: its loop's.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace io {
class Loop;
}

namespace gateway {

struct RegistrarOptions {
  std::vector<std::string> register_with{};  // "http://main_webserver:8000"
  std::string advertise_host{};  // Empty: the address this machine reaches the gateway by.
  uint16_t advertise_port = 0;
  std::string secret{};
  base::Duration heartbeat = std::chrono::seconds(3);
  base::Duration timeout = std::chrono::seconds(2);
  base::Duration retry_min = std::chrono::milliseconds(200), retry_max = std::chrono::seconds(5);
};

class Registrar {
 public:
  static base::Status check(const RegistrarOptions& options);
  Registrar(io::Loop& loop, RegistrarOptions options);
  ~Registrar();

  void start();
  // Once. `left` is called, never from inside, when all know, or after the timeout.
  void stop(std::function<void()> left);
  size_t registered() const;  // Gateways that answered the last heartbeat.

 private:
  struct Body;
  std::shared_ptr<Body> body_;  // Shared with timers, which outlive it.
};

}  // namespace gateway

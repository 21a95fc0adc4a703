// For the tests: a server of this process on free ports, and blocking clients.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>

#include "io/clock.h"
#include "io/socket.h"
#include "limiter/limiter.h"
#include "server/server.h"

namespace server {

inline constexpr base::Duration kLong = std::chrono::seconds(20);  // Only a hang takes this long.

// Asks again and again until it is so; false after kLong.
template <typename Question>
bool becomes(const Question& is_so) {
  const auto until = std::chrono::steady_clock::now() + kLong;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  std::string path(const std::string& name = {}) const;

 private:
  std::filesystem::path root_;
};

class Client {
 public:
  explicit Client(uint16_t port);
  bool connected() const { return static_cast<bool>(fd_); }
  void send(std::string_view bytes);  // All of them.
  // What the socket takes without waiting longer than `patience`; -1: it is broken.
  ssize_t send_some(std::string_view bytes, std::chrono::milliseconds patience);
  std::string line();                // Without its LF; "(end)" at the end of the stream.
  std::string exactly(size_t size);  // Fewer: the stream has ended.
  std::string rest();                // Up to the end of the stream.
  void end_sending();
  void close() { fd_.close(); }

  struct Response {
    int status = 0;
    std::string head, body;
    bool has(std::string_view field) const { return head.find(field) != std::string::npos; }
  };
  // One HTTP response with a Content-Length; `no_body` after HEAD.
  Response response(bool no_body = false);
  Response get(const std::string& target, const std::string& fields = {});
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  bool fill();
  io::Fd fd_;
  uint16_t port_;
  std::string read_;
};

// A server that runs on a thread of its own. Domain `api`: tenant, 2/h.
class Bed {
 public:
  static ServerOptions options();  // Free ports on 127.0.0.1, two threads.

  explicit Bed(ServerOptions with = options(), std::function<Reload()> reload = nullptr,
               std::vector<std::string> watched = {});
  ~Bed();

  Client tcp() const { return Client(server_->tcp_port()); }
  Client api() const { return Client(server_->api_port()); }
  std::string metric(const std::string& name) const;  // Its value in /metrics; empty: not there.
  Server& server() { return *server_; }
  bool ends();  // run() returns.

 private:
  TempDirectory directory_;
  io::SystemClock clock_;
  limiter::Limiter limiter_{{}};
  std::unique_ptr<Server> server_;
  std::thread thread_;
  std::atomic<bool> ended_{false};
};

}  // namespace server

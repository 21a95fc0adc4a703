// Small real servers on loopback, and a client to talk to them. For tests.
#pragma once
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/check.h"
#include "http/client.h"
#include "io/loop.h"
#include "io/socket.h"

namespace loopback_bed {

// The server's end of one connection; blocking.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  virtual ~Peer() = default;

  // A request with its body (by Content-Length). Empty: the client has closed.
  std::string request() {
    while (true) {
      const size_t end = in_.find("\r\n\r\n");
      if (end != std::string::npos) {
        const size_t whole = end + 4 + content_length(in_.substr(0, end + 4));
        if (in_.size() >= whole) {
          std::string out = in_.substr(0, whole);
          in_.erase(0, whole);
          return out;
        }
      }
      char bytes[16384];
      const ssize_t got = receive(bytes, sizeof bytes);
      if (got <= 0) return {};
      in_.append(bytes, static_cast<size_t>(got));
    }
  }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = transmit(bytes.data(), bytes.size());
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  void reset() {  // Closes with RST when the connection's thread ends.
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  // Until the client has closed.
  void drain() {
    char bytes[4096];
    while (receive(bytes, sizeof bytes) > 0) {
    }
  }
  int fd() const { return fd_; }

 protected:
  virtual ssize_t receive(char* bytes, size_t size) { return ::recv(fd_, bytes, size, 0); }
  virtual ssize_t transmit(const char* bytes, size_t size) {
    return ::send(fd_, bytes, size, MSG_NOSIGNAL);
  }

 private:
  static size_t content_length(const std::string& head) {
    const size_t at = head.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
  }

  int fd_;
  std::string in_;
};

// Listens and takes no connection: what connects to it waits, as for a machine that is gone.
class Deaf {
 public:
  Deaf() {
    ::listen(listener_.get(), 0);
    for (io::Fd& each : waiting_) {  // More than its queue has room for.
      each = io::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      auto* const at = reinterpret_cast<sockaddr*>(&address);
      CHECK(::getsockname(listener_.get(), at, &size) == 0);
      ::connect(each.get(), at, size);
    }
  }
  uint16_t port() const { return io::local_endpoint(listener_).port; }

 private:
  io::Fd listener_ = *io::listen_on({*io::Ip::parse("127.0.0.1"), 0});
  io::Fd waiting_[4];
};

// Runs `script` for each connection, on a thread of its own.
class Server {
 public:
  using Script = std::function<void(Peer&)>;
  using Meet = std::function<std::unique_ptr<Peer>(int fd)>;
  explicit Server(Script script, const std::string& address = "127.0.0.1", Meet meet = plain)
      : script_(std::move(script)),
        meet_(std::move(meet)),
        listener_(*io::listen_on({*io::Ip::parse(address), 0})) {
    thread_ = std::thread([this] { accept_all(); });
  }
  ~Server() {
    stopped_ = true;
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    {
      const std::lock_guard guard(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& each : threads_) each.join();
  }

  uint16_t port() const { return io::local_endpoint(listener_).port; }
  std::string url(const std::string& path = "/", const std::string& host = "127.0.0.1") const {
    return "http://" + host + ":" + std::to_string(port()) + path;
  }
  int connections() const { return accepted_; }

 private:
  static std::unique_ptr<Peer> plain(int fd) { return std::make_unique<Peer>(fd); }

  void accept_all() {
    while (!stopped_) {
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) {
        if (stopped_) return;
        // The listener does not block.
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        continue;
      }
      ++accepted_;
      const std::lock_guard guard(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd] {
        {
          const std::unique_ptr<Peer> peer = meet_(fd);
          if (peer) script_(*peer);
        }
        const std::lock_guard closing(mutex_);
        std::erase(open_, fd);
        ::close(fd);
      });
    }
  }

  Script script_;
  Meet meet_;
  io::Fd listener_;
  std::atomic<bool> stopped_ = false;
  std::atomic<int> accepted_ = 0;
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread thread_;
};

// Answers every request with `bytes`, for as long as the client stays.
inline Server::Script always(std::string bytes) {
  return [bytes](Peer& peer) {
    while (!peer.request().empty()) {
      if (!peer.send(bytes)) return;
    }
  };
}

// A gzip of `bytes` zeros (rounded down to whole copies of 258): one literal, then copies of the
// byte before, 13 bits each. Without its checksum: whoever gets that far has failed.
inline std::string gzip_of_zeros(uint64_t bytes) {
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
  uint32_t pending = 0;
  unsigned count = 0;
  const auto put = [&](uint32_t bits, unsigned n) {
    pending |= bits << count;
    for (count += n; count >= 8; count -= 8, pending >>= 8) out += static_cast<char>(pending);
  };
  const auto code = [&](uint32_t bits, unsigned n) {  // Huffman codes lie the other way round.
    for (unsigned i = n; i-- > 0;) put(bits >> i & 1, 1);
  };
  put(1, 1);      // The last block,
  put(1, 2);      // of fixed codes:
  code(0x30, 8);  // a zero,
  for (uint64_t left = bytes; left >= 258; left -= 258) {
    code(0xc5, 8);  // 258 bytes
    code(0, 5);     // from one byte before.
  }
  code(0, 7);  // The end.
  put(0, 7);
  return out;
}

inline http::ClientOptions open_to_loopback() {
  const std::string allow[] = {"127.0.0.0/8", "::1"};
  return {.guard = *http::AddressGuard::make(http::GuardMode::kBlock, allow)};
}

// A client on a loop that runs only while somebody waits for an answer.
struct Bed {
  explicit Bed(http::ClientOptions options = open_to_loopback()) {
    client.emplace(loop, std::move(options));
  }

  http::Response fetch(const std::string& url, http::Outgoing outgoing = {}) {
    const base::Result<http::Url> parsed = http::parse_url(url);
    CHECK(parsed);
    outgoing.url = &*parsed;
    if (outgoing.timeout > std::chrono::seconds(10)) outgoing.timeout = std::chrono::seconds(10);
    std::optional<http::Response> out;
    client->send(outgoing, [&](http::Response&& response) { out = std::move(response); });
    CHECK(!out);  // Never from inside send().
    run([&] { return out.has_value(); });
    return *std::move(out);
  }

  void run(const std::function<bool()>& until) {
    while (!until()) loop.poll().wait();
  }

  io::Loop loop;
  std::optional<http::Client> client;
};

}  // namespace loopback_bed

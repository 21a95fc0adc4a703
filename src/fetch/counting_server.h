// A server on every address of 127.0.0.0/8 at one port that counts the requests it has open, per
// host and in all. For tests. One thread; answers may be late.
#pragma once
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/check.h"
#include "io/socket.h"

namespace fetch {

class CountingServer {
 public:
  using Clock = std::chrono::steady_clock;
  struct Asked {
    std::string host;  // "127.0.0.7"
    std::string path;
    std::string head;
  };
  struct Answer {
    int status = 200;
    std::string fields{};  // "Retry-After: 1\r\n"
    std::string body = "hello";
    std::chrono::milliseconds delay{};
    bool hangs = false;         // Never.
    size_t after_requests = 0;  // Not before so many have come.
    bool closes = false;        // Without a word.
  };
  struct Arrival {
    std::string host;
    Clock::time_point at;
  };
  using Script = std::function<Answer(const Asked&)>;

  CountingServer() : CountingServer([](const Asked&) { return Answer{}; }) {}
  explicit CountingServer(Script script)
      : script_(std::move(script)), poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    auto listening = io::listen_on({*io::Ip::parse("0.0.0.0"), 0});
    CHECK(listening.has_value());
    listener_ = *std::move(listening);
    port_ = io::local_endpoint(listener_).port;
    watch(listener_.get(), EPOLL_CTL_ADD);
    thread_ = std::thread([this] { serve(); });
  }
  ~CountingServer() {
    stopping_ = true;
    thread_.join();
  }
  std::string url(int host, const std::string& path = "/") const {
    return "http://127.0." + std::to_string(host / 250) + "." + std::to_string(host % 250) + ":" +
           std::to_string(port_) + path;
  }
  uint16_t port() const { return port_; }
  // Since the start; call them when nothing is on its way.
  size_t most_open() const { return most_open_; }
  size_t most_open_of_a_host() const { return most_of_host_; }
  size_t requests() const { return arrivals_.size(); }
  std::vector<Arrival> arrivals() const {
    const std::lock_guard guard(mutex_);
    return arrivals_;
  }
  size_t open_now() const { return open_; }

 private:
  struct Peer {
    io::Fd fd;
    std::string host, in;
    bool open = false;
    uint64_t id = 0;
  };
  struct Late {
    int fd;
    uint64_t id;
    std::string bytes;
  };

  void watch(int fd, int operation) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    CHECK(::epoll_ctl(poll_.get(), operation, fd, &event) == 0);
  }
  void serve() {
    epoll_event events[256];
    while (!stopping_) {
      const int found = ::epoll_wait(poll_.get(), events, 256, 1);
      for (int i = 0; i < found; ++i) {
        if (events[i].data.fd == listener_.get()) {
          accept();
        } else {
          read(events[i].data.fd);
        }
      }
      release();
      const auto now = Clock::now();
      while (!late_.empty() && late_.begin()->first <= now) {
        const Late due = std::move(late_.begin()->second);
        late_.erase(late_.begin());
        answer(due);
      }
    }
  }
  void release() {
    while (!held_.empty() && held_.begin()->first <= requests()) {
      answer(held_.begin()->second);
      held_.erase(held_.begin());
    }
  }
  void accept() {
    for (;;) {
      io::Accepted accepted = io::accept_from(listener_);
      if (!accepted.fd) return;
      const int fd = accepted.fd.get();
      watch(fd, EPOLL_CTL_ADD);
      Peer& peer = peers_[fd];
      peer.host = io::local_endpoint(accepted.fd).ip.text();
      peer.fd = std::move(accepted.fd);
      peer.id = ++ids_;
    }
  }
  void read(int fd) {
    const auto found = peers_.find(fd);
    if (found == peers_.end()) return;
    char bytes[16384];
    const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return drop(found->second);
    found->second.in.append(bytes, static_cast<size_t>(got));
    const size_t end = found->second.in.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const std::string head = found->second.in.substr(0, end + 2);
    found->second.in.erase(0, end + 4);
    take(found->second, head);
  }
  void take(Peer& peer, const std::string& head) {
    const size_t begin = head.find(' ') + 1;
    const Asked asked{peer.host, head.substr(begin, head.find(' ', begin) - begin), head};
    peer.open = true;
    most_open_ = std::max<size_t>(most_open_, ++open_);
    most_of_host_ = std::max<size_t>(most_of_host_, ++open_of_[peer.host]);
    {
      const std::lock_guard guard(mutex_);
      arrivals_.push_back({peer.host, Clock::now()});
    }
    const Answer made = script_(asked);
    if (made.hangs) return;
    if (made.closes) return drop(peer);
    std::string bytes = "HTTP/1.1 " + std::to_string(made.status) + " x\r\n" + made.fields +
                        "Content-Length: " + std::to_string(made.body.size()) + "\r\n\r\n" +
                        made.body;
    if (made.after_requests > 0) {
      held_.emplace(made.after_requests, Late{peer.fd.get(), peer.id, std::move(bytes)});
      return;
    }
    if (made.delay.count() == 0) return answer(peer, bytes);
    late_.emplace(Clock::now() + made.delay, Late{peer.fd.get(), peer.id, std::move(bytes)});
  }
  void close(Peer& peer) {
    if (!std::exchange(peer.open, false)) return;
    --open_;
    --open_of_[peer.host];
  }
  void answer(const Late& late) {
    const auto peer = peers_.find(late.fd);
    if (peer != peers_.end() && peer->second.id == late.id) answer(peer->second, late.bytes);
  }
  void answer(Peer& peer, std::string_view bytes) {
    close(peer);
    while (!bytes.empty()) {
      const ssize_t sent = ::send(peer.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0 && errno != EAGAIN) return drop(peer);
      if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  void drop(Peer& peer) {
    close(peer);
    peers_.erase(peer.fd.get());
  }

  const Script script_;
  io::Fd poll_, listener_;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::map<int, Peer> peers_;
  std::multimap<Clock::time_point, Late> late_;
  std::multimap<size_t, Late> held_;  // By the number of requests they wait for.
  std::map<std::string, size_t> open_of_;
  uint64_t ids_ = 0;
  std::atomic<size_t> open_ = 0, most_open_ = 0, most_of_host_ = 0;
  mutable std::mutex mutex_;
  std::vector<Arrival> arrivals_;
  std::thread thread_;
};

}  // namespace fetch

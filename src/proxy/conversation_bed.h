// A conversation with a real upstream behind it and a client in front that the test plays; it feeds
// and drains as a session does. For tests.
#pragma once
#include <sys/socket.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/loopback_bed.h"
#include "io/loop.h"
#include "proxy/conversation.h"
#include "proxy/upstreams.h"

namespace conversation_bed {

// ---- What is said.

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}
inline std::string body_of(const std::string& answer) {
  const size_t end = answer.find("\r\n\r\n");
  return end == answer.npos ? "(none)" : answer.substr(end + 4);
}
inline std::string get(std::string_view path, std::string_view fields = {}) {
  return std::string("GET ")
      .append(path)
      .append(" HTTP/1.1\r\nHost: h\r\n")
      .append(fields)
      .append("\r\n");
}
inline std::string post(std::string_view fields, std::string_view body) {
  return std::string("POST /p HTTP/1.1\r\nHost: h\r\n").append(fields).append("\r\n").append(body);
}
inline std::string ok(std::string_view body, std::string_view fields = {}) {
  return std::string("HTTP/1.1 200 OK\r\nDate: x\r\n")
      .append(fields)
      .append("Content-Length: ")
      .append(std::to_string(body.size()))
      .append("\r\n\r\n")
      .append(body);
}
inline std::string chunk(std::string_view data) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return std::string(size).append(data).append("\r\n");
}

// What an upstream says, told by the test while the upstream's threads run.
class Told {
 public:
  Told() = default;
  explicit Told(std::string text) : text_(std::move(text)) {}
  Told& operator=(std::string text) {
    const std::lock_guard guard(mutex_);
    text_ = std::move(text);
    return *this;
  }
  std::string text() const {
    const std::lock_guard guard(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// A request as it came, whole. Nothing: the client has closed.
inline std::optional<std::string> whole_request(loopback_bed::Peer& peer) {
  std::string all;
  char bytes[65536];
  while (true) {
    const size_t end = all.find("\r\n\r\n");
    if (end != all.npos) {
      const std::string head = all.substr(0, end + 4), body = all.substr(end + 4);
      const size_t length = head.find("Content-Length: ");
      if (length != head.npos && body.size() >= std::stoul(head.substr(length + 16))) return all;
      if (has(head, "Transfer-Encoding: chunked") && body.ends_with("0\r\n\r\n")) return all;
      if (length == head.npos && !has(head, "Transfer-Encoding")) return all;
    }
    const ssize_t got = ::recv(peer.fd(), bytes, sizeof bytes, 0);
    if (got <= 0) return std::nullopt;
    all.append(bytes, static_cast<size_t>(got));
  }
}

// Answers with the request as it came.
inline void echo(loopback_bed::Peer& peer) {
  while (const auto request = whole_request(peer)) {
    if (!peer.send(ok(*request))) return;
  }
}

// ---- The bed.

class ToldClock final : public base::Clock {
 public:
  base::Time now() const override { return at; }
  base::Time at = base::time_from(784'111'777'000'000'000);
};

struct OneWay : proxy::Options {
  proxy::Way way{};
};

inline OneWay one_way(const std::string& upstream) {
  OneWay options;
  options.way.upstream = upstream;
  return options;
}

inline http::Answer said(std::string_view body, int status = 200) {
  http::Answer answer;
  answer.status = status;
  answer.content_type = "text/plain";
  answer.body = body;
  return answer;
}

class Bed final : public proxy::Application {
 public:
  using Serve = std::function<void(const std::shared_ptr<proxy::Exchange>&)>;

  // Passes every request on its one way unless `serve` does something else.
  explicit Bed(OneWay with, const std::string& peer = "192.0.2.9")
      : options(std::move(with)), peer_(*io::Ip::parse(peer)) {
    upstreams.emplace(loop, options, traffic);
    loop.every(std::chrono::milliseconds(5), [] {});  // wait() returns at times.
    connect();
  }
  ~Bed() override { talk.reset(); }

  // A new client.
  void connect() {
    talk.reset();
    rest.clear();
    got.clear();
    talk.emplace(proxy::Conversation::Common{options, *this, *upstreams, clock, ids}, peer_,
                 [this] { pump(); });
  }

  void on_request(const std::shared_ptr<proxy::Exchange>& exchange) override {
    ++requests;
    if (serve) return serve(exchange);
    exchange->pass(options.way, exchange->head().peer.text(), {});
  }
  http::Answer problem(int status, std::string_view detail) override {
    return said(detail, status);
  }

  void feed(std::string_view bytes) {
    rest += bytes;
    pump();
  }
  void pump() {
    do {
      rest.erase(0, talk->feed(rest));
      most_out = std::max(most_out, talk->out().size());
      if (!taking) return;
      got += std::exchange(talk->out(), {});
    } while (talk->more());
  }

  // False: it did not come to that.
  bool run(const std::function<bool()>& until) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!until()) {
      if (std::chrono::steady_clock::now() > end) return false;
      loop.poll().wait();
    }
    return true;
  }
  // Until the conversation owes nothing, or closes.
  bool settle() {
    return run([this] { return talk->closing() || !talk->waiting(); });
  }
  std::string ask(std::string_view bytes) {
    feed(bytes);
    CHECK(settle());
    return std::exchange(got, {});
  }

  OneWay options;
  io::Loop loop;
  proxy::Traffic traffic;
  ToldClock clock;
  base::Random ids{7};
  Serve serve;
  bool taking = true;  // The client reads.
  std::string rest, got;
  size_t most_out = 0;
  int requests = 0;
  std::optional<proxy::Upstreams> upstreams;
  std::optional<proxy::Conversation> talk;

 private:
  io::Ip peer_;
};

}  // namespace conversation_bed

// A conversation with a real upstream behind it and a client in front that the test plays; it feeds
// and drains as a session does. For tests.
#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "gateway/conversation.h"
#include "gateway/upstreams.h"
#include "http/loopback_bed.h"
#include "io/loop.h"

namespace conversation_bed {

class ToldClock final : public base::Clock {
 public:
  base::Time now() const override { return at; }
  base::Time at = base::time_from(784'111'777'000'000'000);
};

inline gateway::Options one_route(const std::string& upstream) {
  gateway::Options options;
  gateway::Route& route = options.routes.emplace_back();
  route.path = "/";
  route.upstream = upstream;
  return options;
}

inline http::Answer said(std::string_view body, int status = 200) {
  http::Answer answer;
  answer.status = status;
  answer.content_type = "text/plain";
  answer.body = body;
  return answer;
}

class Bed final : public gateway::Application {
 public:
  using Serve = std::function<void(const std::shared_ptr<gateway::Exchange>&)>;

  // Passes every request to the first route unless `serve` does something else.
  explicit Bed(gateway::Options with, const std::string& peer = "192.0.2.9")
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
    talk.emplace(gateway::Conversation::Common{options, *this, *upstreams, clock, ids}, peer_,
                 [this] { pump(); });
  }

  void on_request(const std::shared_ptr<gateway::Exchange>& exchange) override {
    ++requests;
    if (serve) return serve(exchange);
    exchange->pass(options.routes.front(), exchange->head().peer.text(), {});
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

  gateway::Options options;
  io::Loop loop;
  gateway::Traffic traffic;
  ToldClock clock;
  base::Random ids{7};
  Serve serve;
  bool taking = true;  // The client reads.
  std::string rest, got;
  size_t most_out = 0;
  int requests = 0;
  std::optional<gateway::Upstreams> upstreams;
  std::optional<gateway::Conversation> talk;

 private:
  io::Ip peer_;
};

}  // namespace conversation_bed

// A client on a loop that runs only while somebody waits. For tests.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "io/loop.h"
#include "redis/client.h"
#include "redis/shown.h"
#include "redis/test_server.h"

namespace redis {

using namespace std::chrono_literals;

inline Options options_of(uint16_t port) {
  Options out;
  out.nodes = {{"127.0.0.1", port}};
  return out;
}

// "kIo", or what the reply looks like.
inline std::string shown(const base::Result<Reply>& reply) {
  if (reply) return shown(*reply);
  switch (reply.error().code) {
    case base::Code::kIo:
      return "kIo";
    case base::Code::kUnknown:
      return "kUnknown";
    case base::Code::kFull:
      return "kFull";
    default:
      return "another code";
  }
}

struct Bed {
  using Words = std::vector<std::string_view>;

  explicit Bed(Options options) {
    loop.every(2ms, [] {});
    client = std::make_unique<Client>(loop, std::move(options));
  }
  explicit Bed(const redis_bed::TestServer& server) : Bed(options_of(server.port())) {}

  // False: `true_now` never was, within `span`.
  bool run(const std::function<bool()>& true_now, base::Duration span = 10s) {
    const auto end = std::chrono::steady_clock::now() + span;
    while (!true_now()) {
      if (std::chrono::steady_clock::now() > end) return false;
      loop.poll().wait();
    }
    return true;
  }
  void run_for(base::Duration span) {
    run([] { return false; }, span);
  }
  bool connect() {
    return run([&] { return client->connected(); });
  }

  void send(const Words& words, std::string& into, base::Duration deadline = 2s,
            std::string_view key = {}) {
    client->send(words, key, deadline, [&](base::Result<Reply>&& reply) { into = shown(reply); });
  }
  // The reply, or how it ended.
  std::string ask(const Words& words, base::Duration deadline = 2s, std::string_view key = {}) {
    std::string out;
    send(words, out, deadline, key);
    CHECK(out.empty());  // Never from inside send().
    CHECK(run([&] { return !out.empty(); }, deadline + 10s));
    return out;
  }
  // Again and again until it says so.
  bool ask_until(const std::string& wanted, const Words& words, std::string_view key = {}) {
    return run([&] { return ask(words, 200ms, key) == wanted; });
  }
  std::string run_script(const Client::Script& script, const Words& keys, const Words& arguments,
                         base::Duration deadline = 2s) {
    std::string out;
    client->run(script, keys, arguments, deadline,
                [&](base::Result<Reply>&& reply) { out = shown(reply); });
    CHECK(run([&] { return !out.empty(); }, deadline + 10s));
    return out;
  }
  std::string metrics() const {
    metric::Families families;
    client->collect(families);
    return families.text();
  }

  io::Loop loop;
  std::unique_ptr<Client> client;
};

}  // namespace redis

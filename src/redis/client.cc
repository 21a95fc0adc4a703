#include "redis/client.h"

#include <openssl/evp.h>

#include <array>
#include <vector>

#include "base/check.h"
#include "redis/cluster_route.h"
#include "redis/desk.h"
#include "redis/sentinel_route.h"
#include "redis/single_route.h"

namespace redis {
namespace {

std::string sha1_hex(const std::string& text) {
  std::array<unsigned char, 20> digest{};
  unsigned size = 0;
  CHECK(::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha1(), nullptr) == 1);
  CHECK(size == digest.size());
  std::string out;
  for (const unsigned char byte : digest) {
    out += "0123456789abcdef"[byte / 16];
    out += "0123456789abcdef"[byte % 16];
  }
  return out;
}

std::unique_ptr<Route> route_of(Desk& desk) {
  switch (desk.options().layout) {
    case Layout::kCluster:
      return std::make_unique<ClusterRoute>(desk);
    case Layout::kSentinel:
      return std::make_unique<SentinelRoute>(desk);
    case Layout::kSingle:
      break;
  }
  return std::make_unique<SingleRoute>(desk);
}

std::shared_ptr<Metrics> metrics_or_own(std::shared_ptr<Metrics> metrics, const Options& options) {
  return metrics ? std::move(metrics) : std::make_shared<Metrics>(options.client_name);
}

}  // namespace

struct Client::Body {
  Body(io::Loop& loop, Options options, std::shared_ptr<Metrics> metrics)
      : desk(loop, std::move(options), std::move(metrics)), route(route_of(desk)) {
    desk.set_route(route.get());
  }

  void send(std::span<const std::string_view> words, std::string_view key, base::Duration deadline,
            Done&& done, std::shared_ptr<const std::string> script) {
    CallPtr call = desk.call(command_of(words), deadline, std::move(done));
    const bool cluster = desk.options().layout == Layout::kCluster;
    if (cluster && !key.empty()) call->slot = slot_of(key);
    call->script = std::move(script);
    route->send(std::move(call));
  }

  Desk desk;
  std::unique_ptr<Route> route;
};

Client::Script::Script(std::string text)
    : text_(std::make_shared<const std::string>(std::move(text))), sha_(sha1_hex(*text_)) {}

Client::Client(io::Loop& loop, Options options, std::shared_ptr<Metrics> metrics) {
  metrics = metrics_or_own(std::move(metrics), options);
  body_ = std::make_unique<Body>(loop, std::move(options), std::move(metrics));
}

Client::~Client() = default;

void Client::send(std::span<const std::string_view> words, std::string_view key,
                  base::Duration deadline, Done done) {
  body_->send(words, key, deadline, std::move(done), nullptr);
}

void Client::run(const Script& script, std::span<const std::string_view> keys,
                 std::span<const std::string_view> arguments, base::Duration deadline, Done done) {
  const std::string count = std::to_string(keys.size());
  std::vector<std::string_view> words = {"EVALSHA", script.sha(), count};
  words.reserve(3 + keys.size() + arguments.size());
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  const std::string_view key = keys.empty() ? std::string_view() : keys.front();
  body_->send(words, key, deadline, std::move(done), script.text_);
}

bool Client::connected() const { return body_->route->connected(); }
size_t Client::in_flight() const { return body_->desk.in_flight(); }
const Options& Client::options() const { return body_->desk.options(); }

void Client::on_change(std::function<void(bool connected)> told) {
  body_->desk.on_change(std::move(told));
}

void Client::collect(metric::Families& families) const { body_->desk.metrics().collect(families); }

}  // namespace redis

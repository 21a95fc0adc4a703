#include "gateway/registrar.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "gateway/routes.h"
#include "gateway/text.h"
#include "http/client.h"
#include "http/url.h"
#include "io/log.h"
#include "io/loop.h"

namespace gateway {
namespace {

namespace json = boost::json;

constexpr size_t kRefusalBytesMax = 4096;

http::ClientOptions open_client() {  // Whoever configures it says where to.
  return {.guard = *http::AddressGuard::make(http::GuardMode::kOff, {})};
}

base::Result<http::Url> url_of(std::string_view gateway, std::string_view path) {
  while (gateway.ends_with('/')) gateway.remove_suffix(1);
  return http::parse_url(std::string(gateway).append(path));
}

// What the gateway says of how long it remembers; nothing: it says nothing.
std::optional<base::Duration> ttl_of(const http::Response& response) {
  boost::system::error_code error;
  const json::value body = json::parse(response.body, error);
  if (error || !body.is_object()) return std::nullopt;
  const json::value* const ttl = body.get_object().if_contains("ttl_s");
  if (ttl == nullptr || !ttl->is_number()) return std::nullopt;
  const double seconds = std::clamp(ttl->to_number<double>(), 0.001, 3600.0);
  return base::Duration(static_cast<int64_t>(seconds * 1e9));
}

}  // namespace

struct Registrar::Body : std::enable_shared_from_this<Registrar::Body> {
  struct Target {
    http::Url health, enter, leave;
    std::string host;  // What is advertised; empty: not known yet.
    bool in = false;   // It has answered the last heartbeat.
    bool busy = false;
    base::Duration pause{};  // After the last failure.
  };

  Body(io::Loop& told_loop, RegistrarOptions told)
      : loop(told_loop), options(std::move(told)), client(loop, open_client()) {}

  void beat(Target& target);
  void find_host(Target& target);
  void send(Target& target, const http::Url& url, http::Client::Done done);
  void on_beat(Target& target, const http::Response& response);
  void failed(Target& target, const http::Response& response);
  void later(Target& target, base::Duration delay);
  void leave(Target& target);
  void end();

  io::Loop& loop;
  const RegistrarOptions options;
  http::Client client;
  std::vector<Target> targets;  // Never changes its size.
  bool stopping = false;
  size_t staying = 0;  // Targets that are not left yet.
  std::function<void()> left;
};

// Tells the gateway, or first asks it what this machine's address is on the way there.
void Registrar::Body::beat(Target& target) {
  if (stopping) return;
  if (target.host.empty()) return find_host(target);
  send(target, target.enter,
       [this, &target](http::Response&& response) { on_beat(target, response); });
}

void Registrar::Body::find_host(Target& target) {
  target.busy = true;
  const http::Outgoing request{.url = &target.health, .timeout = options.timeout};
  client.send(request, [this, &target](http::Response&& response) {
    target.busy = false;
    if (stopping) return leave(target);
    if (response.failure != http::Failure::kNone || !response.local) {
      return failed(target, response);
    }
    target.host = response.local->text();
    beat(target);
  });
}

void Registrar::Body::send(Target& target, const http::Url& url, http::Client::Done done) {
  target.busy = true;
  auto body = std::make_shared<std::string>("{\"host\":");
  append_json(target.host, *body);
  body->append(",\"port\":").append(std::to_string(options.advertise_port)).append("}");
  const std::string bearer = "Bearer " + options.secret;
  const http::Field fields[] = {{"Content-Type", "application/json"}, {"Authorization", bearer}};
  const http::Outgoing request{.method = "POST",
                               .url = &url,
                               .fields = std::span(fields).first(options.secret.empty() ? 1 : 2),
                               .body = *body,
                               .timeout = options.timeout,
                               .kept_bytes = kRefusalBytesMax};
  client.send(request, [&target, body, done = std::move(done)](http::Response&& response) {
    target.busy = false;
    done(std::move(response));
  });
}

void Registrar::Body::on_beat(Target& target, const http::Response& response) {
  if (stopping) return leave(target);
  if (response.failure != http::Failure::kNone || response.status != 200) {
    return failed(target, response);
  }
  if (!std::exchange(target.in, true)) {
    io::log(io::Level::kInfo, "registered",
            {{"gateway", target.enter.authority()}, {"host", target.host}});
  }
  target.pause = {};
  const base::Duration ttl = ttl_of(response).value_or(base::Duration::max());
  later(target, std::min(options.heartbeat, ttl / 3));
}

void Registrar::Body::failed(Target& target, const http::Response& response) {
  const bool first = target.pause == base::Duration::zero();
  target.in = false;
  if (options.advertise_host.empty()) target.host.clear();  // The way there may be another one now.
  target.pause =
      first ? options.retry_min : std::min<base::Duration>(2 * target.pause, options.retry_max);
  if (first) {
    io::log(io::Level::kWarning, "registration failed",
            {{"gateway", target.enter.authority()},
             {"status", std::to_string(response.status)},
             {"error", response.error}});
  }
  later(target, target.pause);
}

void Registrar::Body::later(Target& target, base::Duration delay) {
  loop.after(delay, [weak = weak_from_this(), &target] {
    if (const std::shared_ptr<Body> here = weak.lock()) here->beat(target);
  });
}

// After the heartbeat that is on its way, so that it cannot come behind.
void Registrar::Body::leave(Target& target) {
  if (target.host.empty()) return end();
  target.in = false;
  send(target, target.leave, [this, &target](http::Response&& response) {
    io::log(io::Level::kInfo, "deregistered",
            {{"gateway", target.enter.authority()},
             {"host", target.host},
             {"status", std::to_string(response.status)}});
    end();
  });
}

void Registrar::Body::end() {
  if (--staying > 0) return;
  if (const auto told = std::exchange(left, nullptr)) told();
}

base::Status Registrar::check(const RegistrarOptions& options) {
  for (const std::string& gateway : options.register_with) {
    const base::Result<http::Url> url = url_of(gateway, kHealthPath);
    if (!url) return base::invalid(url.error().what, "register_with");
  }
  const base::Duration none{};
  if (options.heartbeat <= none) return base::invalid("heartbeat must be above 0", "heartbeat");
  if (options.timeout <= none) return base::invalid("timeout must be above 0", "timeout");
  if (options.retry_min <= none || options.retry_max < options.retry_min) {
    return base::invalid("retry_min must be above 0, and retry_max not below it", "retry_min");
  }
  return {};
}

Registrar::Registrar(io::Loop& loop, RegistrarOptions options)
    : body_(std::make_shared<Body>(loop, std::move(options))) {
  CHECK(check(body_->options));
  for (const std::string& gateway : body_->options.register_with) {
    body_->targets.push_back({.health = *url_of(gateway, kHealthPath),
                              .enter = *url_of(gateway, kRegisterPath),
                              .leave = *url_of(gateway, kDeregisterPath),
                              .host = body_->options.advertise_host});
  }
}

Registrar::~Registrar() = default;

void Registrar::start() {
  for (Body::Target& target : body_->targets) body_->beat(target);
}

void Registrar::stop(std::function<void()> left) {
  Body& body = *body_;
  CHECK(!body.stopping);
  body.stopping = true;
  body.left = std::move(left);
  body.staying = body.targets.size() + 1;
  for (Body::Target& target : body.targets) {
    if (!target.busy) body.leave(target);
  }
  body.loop.after(body.options.timeout, [weak = body.weak_from_this()] {
    const std::shared_ptr<Body> here = weak.lock();
    if (here == nullptr) return;
    if (const auto told = std::exchange(here->left, nullptr)) told();
  });
  body.loop.post([weak = body.weak_from_this()] {  // Never from inside.
    if (const std::shared_ptr<Body> here = weak.lock()) here->end();
  });
}

size_t Registrar::registered() const {
  return static_cast<size_t>(
      std::ranges::count_if(body_->targets, [](const Body::Target& target) { return target.in; }));
}

}  // namespace gateway

#include "gateway/remote.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "gateway/text.h"
#include "http/url.h"
#include "io/ip.h"
#include "io/loop.h"

namespace gateway {
namespace {

namespace json = boost::json;

constexpr size_t kAnswerBytesMax = size_t{256} << 10;
// Of the deadline, for a connection: one that cannot be reached leaves time to ask another.
constexpr int kConnectShare = 3;
constexpr size_t kUrlsMax = 4096;  // Of instances; forgotten together, so that no old ones stay.
constexpr std::string_view kReducedCapacity = "#temporary-reduced-capacity";

// What an instance says of itself goes into our own answer.
std::string clean(std::string_view field) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return std::ranges::any_of(field, control) ? std::string() : std::string(field);
}

std::string_view text_of(const json::object& record, std::string_view name) {
  const json::value* const value = record.if_contains(name);
  return value == nullptr || !value->is_string() ? std::string_view()
                                                 : std::string_view(value->get_string());
}

Reason reason_of(const json::object& record, bool allowed) {
  const std::string_view by = text_of(record, "decided_by");
  if (by == "refuse") return Reason::kStoreRefuse;
  if (by == "allow") return Reason::kStoreAllow;
  if (by == "local") return Reason::kStoreLocal;
  if (!allowed)
    return text_of(record, "limited_by") == "blocked" ? Reason::kBlocked : Reason::kLimits;
  const json::value* const limit = record.if_contains("limit");
  return limit != nullptr && limit->is_null() ? Reason::kNoLimit : Reason::kLimits;
}

Decision nobody(Reason reason) {
  Decision out;
  out.reason = reason;
  return out;
}

bool says_refuse(const json::object& record) {
  return text_of(record, "decided_by") == "refuse" ||
         text_of(record, "type").ends_with(kReducedCapacity);
}

std::optional<Decision> read_record(const http::Response& response, const json::object& record) {
  if (response.status == 503) {
    if (!says_refuse(record)) return std::nullopt;
    Decision out = nobody(Reason::kStoreRefuse);
    out.outcome = Decision::Outcome::kRefused;
    return out;
  }
  const json::value* const allowed = record.if_contains("allowed");
  const bool whole =
      allowed != nullptr && allowed->is_bool() && allowed->get_bool() == (response.status == 200);
  if (!whole) {  // A 429 without a decision: the instance has no time for us.
    return response.status == 429 ? std::optional(nobody(Reason::kBadAsk)) : std::nullopt;
  }
  Decision out;
  out.outcome = allowed->get_bool() ? Decision::Outcome::kAllowed : Decision::Outcome::kLimited;
  out.reason = reason_of(record, allowed->get_bool());
  out.rate_limit = clean(response.ratelimit);
  out.rate_limit_policy = clean(response.ratelimit_policy);
  if (allowed->get_bool()) return out;
  if (says_refuse(record)) out.outcome = Decision::Outcome::kRefused;
  out.limited_by = text_of(record, "limited_by");
  out.retry_after = clean(response.retry_after);
  const json::value* const wait = record.if_contains("retry_after_ms");
  if (wait != nullptr && wait->is_int64()) out.retry_after_ms = wait->get_int64();
  return out;
}

// Nothing was sent that could have been charged.
bool surely_uncharged(const http::Response& response) {
  switch (response.failure) {
    case http::Failure::kUrl:
    case http::Failure::kGuard:
    case http::Failure::kDns:
    case http::Failure::kConnect:
    case http::Failure::kTls:
      return true;
    case http::Failure::kNone:
      return response.status == 503;  // It stops.
    default:
      return false;
  }
}

// What rendezvous hashes: the same for the same domain and descriptors, wherever it is asked.
std::string key_of(const limiter::Ask& ask) {
  std::string key(ask.domain);
  for (const limiter::Descriptor& each : ask.descriptors) {
    key.append(1, ' ').append(limiter::to_string(each));
  }
  return key;
}

}  // namespace

std::optional<Decision> read_decision(const http::Response& response) {
  if (response.failure != http::Failure::kNone) return std::nullopt;
  if (response.status == 404) return nobody(Reason::kUnknownDomain);
  const bool talks = response.status == 200 || response.status == 429 || response.status == 503;
  // What a client has made us ask must not cost an instance its place.
  if (!talks && response.status >= 400 && response.status < 500) return nobody(Reason::kBadAsk);
  if (!talks) return std::nullopt;
  unsigned char space[4096];
  json::monotonic_resource memory(space, sizeof space);
  boost::system::error_code error;
  const json::value body = json::parse(response.body, error, &memory);
  if (error || !body.is_object()) return std::nullopt;
  return read_record(response, body.get_object());
}

std::string check_body(const limiter::Ask& ask) {
  std::string out = "{\"domain\":";
  append_json(ask.domain, out);
  out += ",\"descriptors\":[";
  for (size_t i = 0; i < ask.descriptors.size(); ++i) {
    out += i == 0 ? "[" : ",[";
    for (size_t k = 0; k < ask.descriptors[i].size(); ++k) {
      out += k == 0 ? "[" : ",[";
      append_json(ask.descriptors[i][k].key, out);
      out += ',';
      append_json(ask.descriptors[i][k].value, out);
      out += ']';
    }
    out += ']';
  }
  return out.append("],\"cost\":").append(std::to_string(ask.cost)).append("}");
}

base::Result<http::AddressGuard> instance_guard(const Options& options) {
  std::vector<std::string> allow = options.trusted_networks;
  allow.insert(allow.end(), {"127.0.0.0/8", "::1"});
  return http::AddressGuard::make(http::GuardMode::kListed, allow);
}

struct Remote::Body : std::enable_shared_from_this<Remote::Body> {
  // Shared by the request and what comes after it.
  struct Call {
    std::string body, key;
    Done done;
    base::Time since;
    bool again = false;  // It is the second try.
  };

  Body(io::Loop& told_loop, const Options& told, Registry& told_registry,
       const base::Clock& told_clock, http::AddressGuard guard)
      : loop(told_loop),
        options(told),
        registry(told_registry),
        clock(told_clock),
        client(loop, {.guard = std::move(guard)}) {}

  void ask(const std::shared_ptr<Call>& call, base::Time now, uint64_t except);
  void on_answer(const std::shared_ptr<Call>& call, uint64_t id, base::Time asked,
                 const http::Response& response);
  const http::Url* url_of(const Registry::Chosen& chosen);
  bool may_try_again(const Call& call, const http::Response& response, base::Time now) const;

  io::Loop& loop;
  const Options& options;
  Registry& registry;
  const base::Clock& clock;
  http::Client client;
  std::unordered_map<uint64_t, http::Url> urls;  // By instance.
};

const http::Url* Remote::Body::url_of(const Registry::Chosen& chosen) {
  if (const auto found = urls.find(chosen.id); found != urls.end()) return &found->second;
  base::Result<http::Url> url =
      http::parse_url("http://" + io::join_host_port(chosen.host, chosen.port) + "/v1/check");
  if (!url) return nullptr;
  if (urls.size() >= kUrlsMax) urls.clear();
  return &urls.emplace(chosen.id, *std::move(url)).first->second;
}

void Remote::Body::ask(const std::shared_ptr<Call>& call, base::Time now, uint64_t except) {
  const std::optional<Registry::Chosen> chosen = registry.choose(call->key, now, except);
  const http::Url* const url = chosen ? url_of(*chosen) : nullptr;
  if (url == nullptr) {
    if (chosen) registry.failed(chosen->id, now, now);
    const Reason reason = except == 0 ? Reason::kNoInstance : Reason::kFailure;
    return loop.poll().defer([body = weak_from_this(), call, reason] {
      if (!body.expired()) call->done(nobody(reason));
    });
  }
  static constexpr http::Field kFields[] = {{"Content-Type", "application/json"}};
  const http::Outgoing request{.method = "POST",
                               .url = url,
                               .fields = kFields,
                               .body = call->body,
                               .timeout = options.deadline - (now - call->since),
                               .connect_timeout = options.deadline / kConnectShare,
                               .body_bytes_max = kAnswerBytesMax,
                               .decompress = false,
                               .pauses = false,  // A 429 is about one key.
                               .kept_bytes = kAnswerBytesMax};
  client.send(request, [this, call, id = chosen->id, now](http::Response&& response) {
    on_answer(call, id, now, response);
  });
}

bool Remote::Body::may_try_again(const Call& call, const http::Response& response,
                                 base::Time now) const {
  return options.choose == Choose::kRandom && !call.again && surely_uncharged(response) &&
         now - call.since <= options.deadline / 2;
}

void Remote::Body::on_answer(const std::shared_ptr<Call>& call, uint64_t id, base::Time asked,
                             const http::Response& response) {
  const auto alive = shared_from_this();  // `done` may destroy the Remote.
  const base::Time now = clock.now();
  std::optional<Decision> decision = read_decision(response);
  if (decision) {
    registry.answered(id, now - asked, now);
    return call->done(*std::move(decision));
  }
  registry.failed(id, asked, now);
  if (may_try_again(*call, response, now)) {
    call->again = true;
    return ask(call, now, id);
  }
  call->done(
      nobody(response.failure == http::Failure::kTimeout ? Reason::kDeadline : Reason::kFailure));
}

Remote::Remote(io::Loop& loop, const Options& options, Registry& registry,
               const base::Clock& clock) {
  base::Result<http::AddressGuard> guard = instance_guard(options);
  CHECK(guard);
  body_ = std::make_shared<Body>(loop, options, registry, clock, *std::move(guard));
}

Remote::~Remote() = default;

void Remote::decide(const limiter::Ask& ask, Done done) {
  const auto call = std::make_shared<Body::Call>();
  call->body = check_body(ask);
  if (body_->options.choose == Choose::kRendezvous) call->key = key_of(ask);
  call->done = std::move(done);
  call->since = body_->clock.now();
  body_->ask(call, call->since, 0);
}

}  // namespace gateway

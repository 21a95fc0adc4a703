// What the gateway answers by itself: health and the registry. /compute_hash is hash_path.cc.
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <string>
#include <utility>

#include "gateway/problem.h"
#include "gateway/registration.h"
#include "gateway/site_body.h"
#include "gateway/text.h"

namespace gateway {
namespace {

namespace json = boost::json;

constexpr size_t kRegistrationBytesMax = 4096;

// As serialize(), which writes 0.25 as 2.5E-1: three digits behind the point are enough here.
void append_plain(const json::value& value, std::string& out) {
  if (value.is_double()) {
    std::array<char, 32> digits;
    std::snprintf(digits.data(), digits.size(), "%.3f", value.get_double());
    std::string text = digits.data();
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    out += text;
  } else if (value.is_array()) {
    char before = '[';
    for (const json::value& each : value.get_array()) {
      out += std::exchange(before, ',');
      append_plain(each, out);
    }
    out += before == '[' ? "[]" : "]";
  } else if (value.is_object()) {
    char before = '{';
    for (const json::key_value_pair& each : value.get_object()) {
      out += std::exchange(before, ',');
      append_json(each.key(), out);
      out += ':';
      append_plain(each.value(), out);
    }
    out += before == '{' ? "{}" : "}";
  } else {
    out += json::serialize(value);
  }
}

std::string plain_text(const json::value& value) {
  std::string out;
  append_plain(value, out);
  return out;
}

void answer_json(proxy::Exchange& exchange, const json::value& body, int status = 200) {
  exchange.answer({.status = status,
                   .content_type = "application/json",
                   .body = plain_text(body),
                   .headers = {}});
}

double seconds(base::Duration span) { return std::chrono::duration<double>(span).count(); }

// Whole seconds as an integer.
json::value seconds_value(base::Duration span) {
  if (span % std::chrono::seconds(1) != base::Duration::zero()) return seconds(span);
  return span / std::chrono::seconds(1);
}

json::value milliseconds_value(base::Duration span) {
  return static_cast<double>(span / std::chrono::microseconds(1)) / 1000;
}

json::object instance_record(const Instance& of) {
  return {{"host", of.host},
          {"port", of.port},
          {"state", of.state},
          {"latency_ms", milliseconds_value(of.latency)},
          {"last_heartbeat_ms", base::nanoseconds(of.last_heartbeat) / 1'000'000},
          {"ttl_s", seconds_value(of.ttl)},
          {"in_flight", of.in_flight},
          {"failures", of.failures}};
}

}  // namespace

bool Site::Body::answer_own(const SharedExchange& exchange, std::string_view path) {
  struct Own {
    std::string_view path, method;
    void (Body::*answer)(const SharedExchange&);
  };
  static constexpr std::array<Own, 4> kOwn = {{
      {kHealthPath, "GET", &Body::health},
      {kRegisterPath, "POST", &Body::register_instance},
      {kDeregisterPath, "POST", &Body::deregister_instance},
      {kInstancesPath, "GET", &Body::list_instances},
  }};
  for (const Own& own : kOwn) {
    if (own.path != path) continue;
    const std::string_view method = exchange->head().method;
    if (method == own.method || (own.method == "GET" && method == "HEAD")) {
      (this->*own.answer)(exchange);
    } else {
      exchange->answer(wrong_method_answer(own.method == "GET" ? "GET, HEAD" : "POST"));
    }
    return true;
  }
  return false;
}

void Site::Body::health(const SharedExchange& exchange) {
  const size_t limiters =
      common.registry.askable(common.clock.now()) + (local == nullptr ? 0u : 1u);
  const bool ok = limiters > 0 || !common.must_ask;
  const std::optional<bool> up = hashes.store_up();
  const std::string_view store = up ? (*up ? "up" : "down") : local == nullptr ? "none" : "up";
  answer_json(*exchange,
              {{"status", ok ? "ok" : "unavailable"}, {"limiters", limiters}, {"store", store}},
              ok ? 200 : 503);
}

bool Site::Body::admit(proxy::Exchange& exchange) const {
  const base::Status status =
      may_register(exchange.head(), common.trusted_networks, common.options.registration_secret);
  if (!status) exchange.answer(error_answer(status.error()));
  return status.has_value();
}

// A body that never comes must not keep its exchange: whoever serves it does.
void Site::Body::register_instance(const SharedExchange& exchange) {
  if (!admit(*exchange)) return;
  const auto read = [this, here = weak_from_this(),
                     weak = std::weak_ptr(exchange)](std::string_view body) {
    const SharedExchange answered = weak.lock();
    if (here.expired() || answered == nullptr) return;
    const base::Result<Registration> asked = read_registration(body, common.trusted_networks);
    if (!asked) return answered->answer(error_answer(asked.error()));
    const base::Result<Registry::Known> known =
        common.registry.add(asked->host, asked->port, asked->ttl, common.clock.now());
    if (!known) return answered->answer(error_answer(known.error()));
    answer_json(*answered, {{"registered", true},
                            {"instances", known->instances},
                            {"ttl_s", seconds_value(known->ttl)}});
  };
  exchange->read_body(kRegistrationBytesMax, read);
}

void Site::Body::deregister_instance(const SharedExchange& exchange) {
  if (!admit(*exchange)) return;
  const auto read = [this, here = weak_from_this(),
                     weak = std::weak_ptr(exchange)](std::string_view body) {
    const SharedExchange answered = weak.lock();
    if (here.expired() || answered == nullptr) return;
    const base::Result<Registration> asked = read_registration(body, common.trusted_networks);
    if (!asked) return answered->answer(error_answer(asked.error()));
    const base::Result<size_t> left =
        common.registry.remove(asked->host, asked->port, common.clock.now());
    if (!left) return answered->answer(error_answer(left.error()));
    answer_json(*answered, {{"registered", false}, {"instances", *left}});
  };
  exchange->read_body(kRegistrationBytesMax, read);
}

void Site::Body::list_instances(const SharedExchange& exchange) {
  if (!admit(*exchange)) return;
  json::array list;
  if (local != nullptr) list.push_back({{"host", "embedded"}, {"state", "up"}});
  for (const Instance& each : common.registry.instances(common.clock.now())) {
    list.push_back(instance_record(each));
  }
  answer_json(*exchange, {{"instances", std::move(list)}});
}

}  // namespace gateway

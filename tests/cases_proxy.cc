// Cases of the gateway's listener, through real conversations with a real upstream behind them.
#include "cases.h"
#include "proxy/client_address.h"
#include "proxy/conversation_bed.h"
#include "proxy/forwarded.h"

namespace cases {
namespace {

using conversation_bed::Bed;
using conversation_bed::one_way;
using conversation_bed::OneWay;

const json::object& input_of(const json::object& one) { return one.at("input").as_object(); }
const json::object& expected_of(const json::object& one) { return one.at("expected").as_object(); }

// The cases write bytes as the characters of the same number.
std::string bytes_of(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x80) {
      out += text[at];
    } else {
      const auto low = static_cast<unsigned char>(text.at(++at));
      out += static_cast<char>(((c & 3u) << 6) | (low & 0x3fu));
    }
  }
  return out;
}

std::string repeated(const json::array& part) {
  std::string out;
  const std::string piece = bytes_of(part.at(0).as_string());
  for (int64_t i = 0; i < part.at(1).to_number<int64_t>(); ++i) out += piece;
  return out;
}

std::string raw_of(const json::object& input) {
  if (has(input, "raw_latin1")) return bytes_of(text(input, "raw_latin1"));
  std::string out;
  for (const json::value& part : input.at("raw_parts_latin1").as_array())
    out += repeated(part.as_array());
  return out;
}

struct Heard {
  int64_t status = 0;  // 0: no answer.
  bool closed = false;
  std::string upstream;  // The request as it arrived there.
};

Heard play(const std::string& raw, const std::string& peer = "192.0.2.9",
           const std::vector<std::string>& trusted = {}) {
  std::mutex mutex;
  Heard heard;
  loopback_bed::Server server([&](loopback_bed::Peer& upstream) {
    for (std::string request = upstream.request(); !request.empty(); request = upstream.request()) {
      {
        const std::lock_guard guard(mutex);
        heard.upstream += request;
      }
      upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
  });
  OneWay options = one_way(server.url(""));
  options.trusted_proxies = trusted;
  Bed bed(options, peer);
  bed.feed(raw);
  bed.settle();
  if (bed.got.empty()) {
    bed.clock.at += options.request_timeout;
    if (bed.clock.at >= bed.talk->deadline()) bed.talk->expire();
    bed.pump();
  }
  if (bed.got.starts_with("HTTP/1.1 ")) heard.status = std::stoi(bed.got.substr(9, 3));
  heard.closed = bed.talk->closing();
  const std::lock_guard guard(mutex);
  return heard;
}

void judge_status(const json::value& expected, int64_t ours, Verdict& verdict) {
  if (!expected.is_array()) return verdict.same("status", expected.to_number<int64_t>(), ours);
  for (const json::value& each : expected.as_array()) {
    if (each.is_number() && each.to_number<int64_t>() == ours) return;
  }
  verdict.wrong("status: " + std::to_string(ours) + " is none of " + json::serialize(expected));
}

void play_http1(const json::object& one, Verdict& verdict) {
  const json::object& expected = expected_of(one);
  const bool logic = has(expected, "client_ip_logic");
  const Heard heard =
      logic ? play(raw_of(input_of(one)), "10.0.0.1", {"10.0.0.0/8"}) : play(raw_of(input_of(one)));
  judge_status(expected.at("status"), heard.status, verdict);
  if (has(expected, "ours")) verdict.same("ours", number(expected, "ours"), heard.status);
  if (heard.status >= 400 && !heard.closed) verdict.wrong("the connection is kept");
  if (text(expected, "connection") == "close" && !heard.closed) verdict.wrong("not closed");
  if (logic && heard.upstream.find("X-Forwarded-For: 1.2.3.4, 10.0.0.1\r\n") == std::string::npos)
    verdict.wrong("what a trusted hop set was removed: " + heard.upstream);
  if (has(expected, "trailer_merged_into_headers") &&
      heard.upstream.find("Content-Length") != std::string::npos)
    verdict.wrong("a trailer became a field");
  if (heard.status >= 400 && !heard.upstream.empty()) verdict.wrong("it reached the upstream");
}

void play_client_ip(const json::object& one, Verdict& verdict) {
  const json::object& input = input_of(one);
  const json::object& expected = expected_of(one);
  if (text(input, "mode") == "hops") {
    return verdict.differs("proxies are named by their networks, not counted");
  }
  if (has(input, "trusted_unix")) return verdict.differs("no listener is a Unix socket");
  std::vector<std::string> trusted;
  for (const json::value& each : input.at("trusted").as_array())
    trusted.emplace_back(each.as_string());
  if (has(input, "x_forwarded_for_repeat")) {
    const std::string field = repeated(input.at("x_forwarded_for_repeat").as_array());
    const Heard heard =
        play("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + field + "1.2.3.4\r\n\r\n",
             text(input, "peer"), trusted);
    return verdict.same("status", number(expected, "status"), heard.status);
  }
  const std::string field = text(input, "x_forwarded_for");
  proxy::Head head;
  head.peer = *io::Ip::parse(text(input, "peer"));
  head.fields.push_back({"X-Forwarded-For", field});
  verdict.same_text("client", text(expected, "client"),
                    proxy::client_of(head, *io::Networks::parse(trusted)).text());
}

void play_forwarded(const json::object& one, Verdict& verdict) {
  const json::object& expected = expected_of(one);
  const std::string field = text(input_of(one), "forwarded");
  const auto parsed = proxy::parse_forwarded(field);
  verdict.same("valid", number(expected, "valid"), parsed.has_value());
  if (!parsed) return;
  if (has(expected, "for")) {
    verdict.same_text("for", text(expected, "for"), parsed->front().client);
  }
  if (has(expected, "proto")) {
    verdict.same_text("proto", text(expected, "proto"), parsed->front().proto);
  }
}

void play_limiter_key(const json::object& one, Verdict& verdict) {
  const json::object& input = input_of(one);
  const io::Ip client = *io::Ip::parse(text(input, "address"));
  const auto prefix = static_cast<unsigned>(number(input, "ipv6_prefix"));
  verdict.same_text("key", text(expected_of(one), "key"), proxy::client_key(client, prefix));
}

}  // namespace

void add_gateway_players(Players& players) {
  players["http1"] = &play_http1;
  players["client-ip"] = &play_client_ip;
  players["forwarded"] = &play_forwarded;
  players["limiter-key"] = &play_limiter_key;
}

}  // namespace cases

// Cases of outgoing requests, through the real address guard, URL reader and client. Addresses that
// are public in a case are a loopback address that is allowed here, private ones another one.
#include <sys/resource.h>

#include "cases.h"
#include "http/loopback_bed.h"
#include "http/tls_bed.h"
#include "http/told_names.h"

namespace cases {
namespace {

using loopback_bed::always;
using loopback_bed::Bed;
using loopback_bed::Peer;
using loopback_bed::Server;

constexpr const char* kAllowed = "127.0.0.1";
constexpr const char* kRefused = "127.0.0.2";

std::vector<std::string> texts(const json::object& object, std::string_view name) {
  std::vector<std::string> out;
  if (!has(object, name)) return out;
  for (const json::value& each : object.at(name).as_array()) out.emplace_back(each.as_string());
  return out;
}

const json::object& input_of(const json::object& one) { return one.at("input").as_object(); }
const json::object& expected_of(const json::object& one) { return one.at("expected").as_object(); }

std::string_view word(bool allowed) { return allowed ? "allow" : "block"; }

void play_address(const json::object& one, Verdict& verdict) {
  const json::object& input = input_of(one);
  std::vector<io::Endpoint> own;
  for (const std::string& address : texts(input, "local_addresses")) {
    for (const json::value& port : input.at("own_ports").as_array())
      own.push_back({*io::Ip::parse(address), port.to_number<uint16_t>()});
  }
  const auto guard =
      http::AddressGuard::make(http::GuardMode::kBlock, texts(input, "allow"), std::move(own));
  const std::optional<io::Ip> ip = io::Ip::parse(text(input, "address"));
  if (!guard || !ip) return verdict.wrong("not read");
  const auto ours = guard->judge("h", *ip, static_cast<uint16_t>(number(input, "port")));
  verdict.same_text("verdict", text(expected_of(one), "verdict"), word(ours.allowed));
  if (has(expected_of(one), "reason")) verdict.same_text("reason", "self", ours.range);
}

// "block" or "allow" if it can be told before a name is looked up; else "resolve".
std::string verdict_of(const http::Url& url) {
  const http::AddressGuard guard;
  if (http::name_on_hard_floor(url.host)) return "block";
  std::optional<io::Ip> ip = url.ip;
  if (!ip && url.host == "localhost") ip = *io::resolve(url.host);
  return ip ? std::string(word(guard.judge(url.host, *ip, url.port).allowed)) : "resolve";
}

void play_url(const json::object& one, Verdict& verdict) {
  const json::object& expected = expected_of(one);
  const base::Result<http::Url> url = http::parse_url(text(input_of(one), "url"));
  const std::string parse = text(expected, "parse");
  if (parse != "reject-or-ok") verdict.same_text("parse", parse, url ? "ok" : "reject");
  verdict.same_text("verdict", text(expected, "verdict"), url ? verdict_of(*url) : "block");
  if (!url) return;
  if (has(expected, "host")) verdict.same_text("host", text(expected, "host"), url->host);
  if (has(expected, "port")) verdict.same("port", number(expected, "port"), url->port);
}

Bed guarded_bed() {
  const std::string allow[] = {kAllowed};
  return Bed({.guard = *http::AddressGuard::make(http::GuardMode::kBlock, allow),
              .dns_cache = base::Duration::zero()});
}

std::string closing(std::string_view status, std::string_view fields = "") {
  return "HTTP/1.1 " + std::string(status) + "\r\n" + std::string(fields) +
         "Content-Length: 0\r\nConnection: close\r\n\r\n";
}

void play_rebinding(Verdict& verdict) {
  Server allowed(always(closing("200 OK")), kAllowed);
  Bed bed = guarded_bed();
  told_names::tell("rebind.test", {{.addresses = {kAllowed}}, {.addresses = {kRefused}}});
  const http::Response first = bed.fetch(allowed.url("/", "rebind.test"));
  verdict.same("first", 200, first.status);
  verdict.same("looked up", 1, told_names::asked("rebind.test"));
  const http::Response second = bed.fetch(allowed.url("/", "rebind.test"));
  verdict.same_text("second", "guard", http::to_string(second.failure));
  verdict.same("connections", 1, allowed.connections());
}

void play_moved_name(Verdict& verdict) {
  Server allowed(always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), kAllowed);
  Bed bed = guarded_bed();
  told_names::tell("move.test", {{.addresses = {kAllowed}}, {.addresses = {kRefused}}});
  for (int i = 0; i < 2; ++i) {
    verdict.same("status", 200, bed.fetch(allowed.url("/", "move.test")).status);
  }
  verdict.same("connections", 1, allowed.connections());
}

void play_redirect(const json::object& one, Verdict& verdict) {
  int requests = 0;
  Server server([&](Peer& peer) {
    while (!peer.request().empty()) {
      ++requests;
      peer.send(closing("302 Found", "Location: /elsewhere\r\n"));
    }
  });
  Bed bed;
  const http::Response answer = bed.fetch(server.url());
  verdict.same("requests", number(expected_of(one), "requests_sent"), requests);
  verdict.same("status", number(expected_of(one), "status"), answer.status);
}

void play_downgrade(Verdict& verdict) {
  Server plain(always(closing("200 OK")));
  const tls_bed::Certificate certificate;
  tls_bed::TlsServer server(certificate,
                            always(closing("302 Found", "Location: " + plain.url() + "\r\n")));
  http::ClientOptions options = loopback_bed::open_to_loopback();
  options.ca_file = certificate.file;
  Bed bed(std::move(options));
  const http::Response answer = bed.fetch(server.url(), {.redirects_max = 5});
  verdict.same_text("failure", "redirect", http::to_string(answer.failure));
  verdict.same("status", 302, answer.status);
  verdict.same("connections", 0, plain.connections());
}

void play_dns_redirect(const json::object& one, Verdict& verdict) {
  const std::string id = text(one, "id");
  if (id == "ssrf-dns-002") return play_rebinding(verdict);
  if (id == "ssrf-dns-006") return play_moved_name(verdict);
  if (id == "ssrf-redir-002") return play_redirect(one, verdict);
  if (id == "ssrf-dns-005") {
    told_names::tell("nx.test", {{}});
    Bed bed;
    const http::Response answer = bed.fetch("http://nx.test/");
    return verdict.same_text("failure", "dns", http::to_string(answer.failure));
  }
  if (id == "ssrf-redir-004") return play_downgrade(verdict);
  if (id == "ssrf-proxy-001") {
    return verdict.differs(
        "there is no setting for an egress proxy, and the environment's is not used");
  }
  verdict.wrong("no player for this case");
}

long resident_bytes_max() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

void play_bomb(const json::object& one, Verdict& verdict) {
  const json::object& input = input_of(one);
  const json::object& response = input.at("response").as_object();
  const auto bound = static_cast<uint64_t>(number(input, "max_response_bytes"));
  const std::string bomb =
      loopback_bed::gzip_of_zeros(static_cast<uint64_t>(number(response, "gzip_of_zeros_bytes")));
  Server server(always("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " +
                       std::to_string(bomb.size()) + "\r\n\r\n" + bomb));
  Bed bed;
  Server small(always(closing("200 OK")));
  verdict.same("warm", 200, bed.fetch(small.url()).status);
  const long before = resident_bytes_max();
  const http::Response answer =
      bed.fetch(server.url(), {.body_bytes_max = bound, .kept_bytes = size_t{1} << 30});
  verdict.same_text("failure", "too_large", http::to_string(answer.failure));
  const auto most = number(expected_of(one), "stored_bytes_max");
  if (std::ssize(answer.body) > most) verdict.wrong("stored " + std::to_string(answer.body.size()));
  const long grown = resident_bytes_max() - before;
  if (grown > number(expected_of(one), "rss_growth_max_bytes"))
    verdict.wrong("grew by " + std::to_string(grown));
}

// A tenth of a byte's time and a tenth of the deadline: the same, thirty times as fast.
void play_drip(const json::object&, Verdict& verdict) {
  Server server([](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    while (peer.send("x")) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  });
  Bed bed;
  const http::Response answer =
      bed.fetch(server.url(), {.timeout = std::chrono::milliseconds(500)});
  verdict.same_text("failure", "timeout", http::to_string(answer.failure));
  verdict.near("milliseconds", 500, answer.phases.total / std::chrono::milliseconds(1), 100);
}

void play_large_header(const json::object& response, Verdict& verdict) {
  std::string head;
  if (has(response, "interim")) {
    const json::object& interim = response.at("interim").as_object();
    for (int64_t i = 0; i < number(interim, "count"); ++i)
      head += "HTTP/1.1 103 Early Hints\r\n\r\n";
    verdict.differs("interim answers count towards the header's bound: the error is too_large");
  }
  head += "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
  if (has(response, "header_bytes")) {
    const auto bytes = static_cast<size_t>(number(response, "header_bytes"));
    while (head.size() < bytes) head += "X-Filling: " + std::string(1000, 'x') + "\r\n";
  }
  Server server(always(head + "\r\n"));
  Bed bed;
  verdict.same_text("failure", "too_large", http::to_string(bed.fetch(server.url()).failure));
}

void play_dispatch_limit(const json::object& one, Verdict& verdict) {
  const json::object& response = input_of(one).at("response").as_object();
  if (has(response, "gzip_of_zeros_bytes")) return play_bomb(one, verdict);
  if (has(response, "body_drip_bytes_per_s")) return play_drip(one, verdict);
  play_large_header(response, verdict);
}

}  // namespace

void add_edge_http_players(Players& players) {
  players["ssrf-address"] = play_address;
  players["ssrf-url"] = play_url;
  players["ssrf-dns-redirect"] = play_dns_redirect;
  players["dispatch-limits"] = play_dispatch_limit;
}

}  // namespace cases

#include "config/setting.h"

#include <algorithm>
#include <array>

#include "config/row.h"
#include "limit/concurrency.h"
#include "limit/gcra.h"
#include "limiter/table.h"
#include "server/meta.h"

namespace config {
namespace {

Setting data_dir() {
  return {"data",
          "path",
          "directory that the server locks and keeps its files in",
          "--data",
          false,
          [](Config& config, std::string_view text) -> base::Status {
            if (text.empty() || text.find('\0') != text.npos) {
              return base::invalid("must be a path");
            }
            config.server.data_dir = text;
            return {};
          },
          [](const Config& config) { return std::vector<std::string>{config.server.data_dir}; },
          {}};
}

Setting threads() {
  constexpr int64_t kThreadsMax = 1024;
  return {"threads",
          "auto, or 1 to 1024",
          "threads that serve; auto: one for each core",
          "--threads",
          false,
          [](Config& config, std::string_view text) -> base::Status {
            const base::Result<int64_t> value = text == "auto" ? int64_t{0} : parse_count(text);
            if (!value || *value > kThreadsMax || (*value == 0 && text != "auto")) {
              return base::invalid("must be auto or an integer between 1 and 1024");
            }
            config.server.threads = static_cast<unsigned>(*value);
            return {};
          },
          [](const Config& config) {
            const unsigned value = config.server.threads;
            return std::vector<std::string>{value == 0 ? "auto" : std::to_string(value)};
          },
          {}};
}

base::Result<std::string> parse_pattern(std::string_view text) {
  if (text.empty() || text.find('\0') != text.npos) return base::invalid("must be a path");
  return std::string(text);
}

Setting shards() {
  return {"shards",
          "auto, or 1 to 64",
          "parts that the queues are spread over, each with its own log; fixed when the data "
          "directory is made; auto: as many as it has, a new one one for each thread, at most 8",
          "--shards",
          false,
          [](Config& config, std::string_view text) -> base::Status {
            const base::Result<int64_t> value = text == "auto" ? int64_t{0} : parse_count(text);
            if (!value || *value > server::kShardsMax || (*value == 0 && text != "auto")) {
              return base::invalid("must be auto or an integer between 1 and 64");
            }
            config.server.shards = static_cast<uint32_t>(*value);
            return {};
          },
          [](const Config& config) {
            const uint32_t value = config.server.shards;
            return std::vector<std::string>{value == 0 ? "auto" : std::to_string(value)};
          },
          {}};
}

void add_queues(std::vector<Setting>& rows) {
  rows.push_back(shards());
  rows.push_back(word(
      "durability", "--durability",
      "what an answer about a queue promises, unless the queue says otherwise: synced to the disk; "
      "written to the system; nothing",
      [](auto& c) -> auto& { return c.queues.defaults.durability; },
      std::array<std::string_view, 3>{"fsync", "os", "memory"}));
  Setting creation = word(
      "queue_creation", "",
      "open: using a queue makes it; closed: only those of `queues` are there",
      [](auto& c) -> auto& { return c.queues.creation_open; },
      std::array<std::string_view, 2>{"closed", "open"});
  rows.push_back(std::move(creation));
}

void add_listen(std::vector<Setting>& rows) {
  rows.push_back(address(
      "listen.tcp", "--tcp", "TCP port: line protocol and RESP; port 0: any free one",
      [](auto& c) -> auto& { return c.server.tcp; }));
  rows.push_back(address(
      "listen.api", "--api", "HTTP: API, metrics, health; port 0: any free one",
      [](auto& c) -> auto& { return c.server.api; }));
  rows.push_back(address(
      "listen.gateway", "--gateway", "HTTP: the gateway, of the roles serve and gateway",
      [](auto& c) -> auto& { return c.server.gateway; }));
  rows.push_back(address(
      "listen.limiter", "--limiter", "HTTP: the limits alone, of the role limiter",
      [](auto& c) -> auto& { return c.server.limiter; }));
  rows.push_back(list(
      "listen.trusted_networks", "list of networks", "",
      "networks that need no secret on a public address; without any, a public "
      "address is refused",
      [](auto& c) -> auto& { return c.server.trusted_networks; }, parse_network));
  rows.push_back(list(
      "listen.hosts", "list of names", "",
      "further names by which clients call the api listener; others are refused as web pages' "
      "tricks",
      [](auto& c) -> auto& { return c.server.hosts; }, parse_host));
}

std::string print_host_rate(const std::optional<server::HostRate>& rate) {
  if (!rate) return "none";
  const std::string text = limit::to_string(rate->rate);
  return rate->burst == rate->rate.count ? text : text + " burst " + std::to_string(rate->burst);
}

Setting host_rate() {
  return {"dispatch.host_rate",
          "rate, or none",
          "requests to one host, as 50/s or 50/s burst 10 (without burst: as many as the rate)",
          "",
          false,
          [](Config& config, std::string_view text) -> base::Status {
            config.dispatch.host_rate.reset();
            if (text == "none") return {};
            const base::Result<limit::RateText> rate = limit::parse_rate(text);
            if (!rate) return rate.error();
            if (rate->calendar_only) return base::invalid("month and year are no period here");
            const int64_t burst = rate->burst.value_or(rate->rate.count);
            const base::Result<limit::Gcra> law = limit::Gcra::make(rate->rate, burst);
            if (!law) return law.error();
            config.dispatch.host_rate = server::HostRate{rate->rate, burst};
            return {};
          },
          [](const Config& config) {
            return std::vector<std::string>{print_host_rate(config.dispatch.host_rate)};
          },
          {}};
}

void add_dispatch_caps(std::vector<Setting>& rows) {
  rows.push_back(count(
      "dispatch.total", "requests of this process at a time",
      [](auto& c) -> auto& { return c.dispatch.total; }, 1, limit::Concurrency::kCapMax));
  rows.push_back(count(
      "dispatch.per_host", "requests to one host at a time",
      [](auto& c) -> auto& { return c.dispatch.per_host; }, 1, limit::Concurrency::kCapMax));
  rows.push_back(host_rate());
}

void add_dispatch(std::vector<Setting>& rows) {
  add_dispatch_caps(rows);
  rows.push_back(word(
      "dispatch.guard", "",
      "requests to private and special addresses: refused; let through and logged; let through",
      [](auto& c) -> auto& { return c.dispatch.guard; },
      std::array<std::string_view, 3>{"block", "report", "off"}));
  rows.push_back(list(
      "dispatch.allow", "list of networks, addresses and names", "",
      "what the guard lets through nevertheless", [](auto& c) -> auto& { return c.dispatch.allow; },
      parse_allowed));
  rows.push_back(span(
      "dispatch.backoff_base", "how long a host is left alone after a failure; doubles each time",
      [](auto& c) -> auto& { return c.dispatch.hosts.backoff_base; }, kMillisecond, kDay));
  rows.push_back(span(
      "dispatch.backoff_max", "... up to this",
      [](auto& c) -> auto& { return c.dispatch.hosts.backoff_max; }, kMillisecond, kDay));
  rows.push_back(count(
      "dispatch.breaker_failures", "failures in a row that open the circuit breaker of a host",
      [](auto& c) -> auto& { return c.dispatch.hosts.breaker_failures; }, 1, 1'000'000));
  rows.push_back(span(
      "dispatch.probe", "how long the one request to a host whose breaker is half open may take",
      [](auto& c) -> auto& { return c.dispatch.hosts.probe; }, kMillisecond, kHour));
  rows.push_back(text(
      "dispatch.ca_file", "path, or nothing",
      "certificates that are trusted (PEM); nothing: the system's",
      [](auto& c) -> auto& { return c.dispatch.ca_file; }, check_path));
}

void add_log(std::vector<Setting>& rows) {
  rows.push_back(word(
      "log.level", "--log-level", "least level that is written to standard error",
      [](auto& c) -> auto& { return c.log.level; },
      std::array<std::string_view, 5>{"debug", "info", "warning", "error", "off"}));
  rows.push_back(word(
      "log.format", "--log-format", "text is key=value; json is one object a line",
      [](auto& c) -> auto& { return c.log.format; },
      std::array<std::string_view, 2>{"text", "json"}));
}

void add_table(std::vector<Setting>& rows) {
  rows.push_back(size(
      "table.memory_max", "memory of all limits' states; a GCRA key takes 40 to 48 B",
      [](auto& c) -> auto& { return c.limiter.table.memory_bytes_max; }, kMiB, 1024 * kGiB));
  rows.push_back(word(
      "table.when_full", "", "what happens to a new key that has no room",
      [](auto& c) -> auto& { return c.limiter.table.when_full; },
      std::array<std::string_view, 2>{"refuse", "allow"}));
}

void add_bounds(std::vector<Setting>& rows) {
  rows.push_back(size(
      "bounds.line", "one line of the line protocol",
      [](auto& c) -> auto& { return c.server.line_bytes_max; }, kKiB, 16 * kMiB));
  rows.push_back(size(
      "bounds.body", "one argument of RESP, one body of HTTP",
      [](auto& c) -> auto& { return c.server.body_bytes_max; }, kKiB, kGiB));
  rows.push_back(count(
      "bounds.connections", "connections at a time; over it a new one is closed",
      [](auto& c) -> auto& { return c.server.connections_max; }, 1, 10'000'000));
  rows.push_back(span(
      "bounds.request_timeout",
      "From a request's first byte to its last; over it the connection is closed",
      [](auto& c) -> auto& { return c.server.request_timeout; }, 10 * kMillisecond, kHour));
  rows.push_back(span(
      "bounds.idle_timeout", "HTTP: a kept connection without a request",
      [](auto& c) -> auto& { return c.server.idle_timeout; }, 10 * kMillisecond, kDay));
  rows.push_back(span(
      "bounds.stop_timeout", "how long a clean stop may take",
      [](auto& c) -> auto& { return c.server.stop_timeout; }, 0 * kHour, kHour));
  rows.push_back(span(
      "bounds.ttl", "TTL of a reservation or hold",
      [](auto& c) -> auto& { return c.limiter.ttl_max; }, kMillisecond, 365 * kDay));
  rows.push_back(count(
      "bounds.holds", "reservations and holds at a time",
      [](auto& c) -> auto& { return c.limiter.open_max; }, 1, 1'000'000'000));
  rows.push_back(count(
      "bounds.queues", "queues of one shard",
      [](auto& c) -> auto& { return c.queue_bounds.queues_max; }, 1, 100'000'000));
  rows.push_back(count(
      "bounds.waiting", "requests that wait in one shard at a time (DEQUEUE and CHECK with WAIT)",
      [](auto& c) -> auto& { return c.queue_bounds.waiting_max; }, 1, 100'000'000));
}

std::vector<Setting> make_settings() {
  std::vector<Setting> rows;
  add_listen(rows);
  rows.push_back(data_dir());
  rows.push_back(threads());
  add_queues(rows);
  rows.push_back(list(
      "limit_files", "list of patterns", "--limits",
      "files of limits, of our form or envoyproxy/ratelimit's; * ? [ ] match names",
      [](auto& c) -> auto& { return c.limit_files; }, parse_pattern));
  add_remote(rows);
  add_table(rows);
  add_dispatch(rows);
  add_bounds(rows);
  add_log(rows);
  return rows;
}

}  // namespace

base::Status check_path(std::string_view text) {
  if (text.find('\0') != text.npos) return base::invalid("must be a path");
  return {};
}

std::string Setting::environment() const {
  std::string variable = "RATELIMMQ_";
  for (const char c : path) {
    variable += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return variable;
}

std::string_view Setting::group() const {
  const size_t dot = path.rfind('.');
  return dot == path.npos ? std::string_view() : std::string_view(path).substr(0, dot);
}

std::string_view Setting::name() const {
  const size_t dot = path.rfind('.');
  return dot == path.npos ? std::string_view(path) : std::string_view(path).substr(dot + 1);
}

const std::vector<Setting>& settings() {
  static const std::vector<Setting> kSettings = make_settings();
  return kSettings;
}

const Setting* find_setting(std::string_view path) {
  const auto found = std::ranges::find(settings(), path, &Setting::path);
  return found == settings().end() ? nullptr : &*found;
}

std::vector<std::string> differing(const Config& before, const Config& now) {
  static constexpr std::array<std::string_view, 8> kReloaded{
      "limit_files",    "store.mode",     "store.when_gone",   "durability",
      "queue_creation", "dispatch.total", "dispatch.per_host", "dispatch.host_rate"};
  std::vector<std::string> paths;
  for (const Setting& setting : settings()) {
    const bool reloaded = std::ranges::find(kReloaded, setting.path) != kReloaded.end();
    if (!reloaded && setting.get(before) != setting.get(now)) paths.push_back(setting.path);
  }
  return paths;
}

}  // namespace config

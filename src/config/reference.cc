// docs/configuration.md, out of the table of settings.
#include <algorithm>

#include "command/queue_option.h"
#include "config/setting.h"

namespace config {
namespace {

constexpr std::string_view kTop = R"(# Configuration

Generated from the table in `src/config/setting.cc` by `ratelimmq config-markdown`; a test compares.

One YAML file holds thresholds, ports, queues and bounds: `ratelimmq serve --config ratelimmq.yaml`. Without `--config` (or `RATELIMMQ_CONFIG`) the server reads `./ratelimmq.yaml`, else `/etc/ratelimmq/ratelimmq.yaml`, else none: everything has a default. Environment variables go over the file, flags over both. An empty variable counts as absent.

- `ratelimmq check-config FILE` lists every problem with line and column; exit code 0 if there is none.
- `ratelimmq serve --print-config` prints what is in force, every key with its value, and reads back to the same.
- `SIGHUP` or a change of the files puts new limits (those of `dispatch.total`, `per_host` and `host_rate` too) and queues in force as a whole; with a problem the old ones stay. Every other setting needs a restart.

An unknown key, a key that stands twice, a limit that cannot be: each is an error with its place, and a suggestion where one is near. Limits have a page of their own: [limits.md](limits.md).

```yaml
)";

constexpr std::string_view kExample = R"(listen:
  tcp: 127.0.0.1:7411          # line protocol and RESP; port 0: any free one; or off
  api: 127.0.0.1:8080          # HTTP API, /metrics, health; role limiter 8083, role gateway 8082
  gateway: 127.0.0.1:8000      # of the roles serve and gateway
  limiter: 127.0.0.1:8001      # of the role limiter
  trusted_networks: []         # needed for a public address, as in [10.0.0.0/8]

data: ./data
threads: auto
durability: fsync              # of queues: an answer waits for the disk; or os, or memory

store:
  kind: embedded               # or redis: shared with others (docs/store.md)
  mode: granted
  when_gone: local             # a Redis that is gone: or refuse, or allow; per limit too
  redis: {url: "redis://127.0.0.1:6379", deadline: 10ms}

limits:
  - domain: api
    descriptors:
      - key: client_ip         # 60 a minute for each client
        rate_limit: {unit: minute, requests_per_unit: 60}
      - key: tenant            # 100 a second for each tenant, 200 at once
        limit: 100/s burst 200
        descriptors:
          - key: path
            value: "/search*"
            limits:            # two limits, decided together
              - {name: search-second, algorithm: sliding_window, rate: 10/s, counts: requests}
              - {name: search-day, algorithm: calendar, rate: 10000/d, durable: true}
      - key: tenant
        value: acme
        limit: {rate: 1000/s, algorithm: token_bucket, when_gone: refuse, shadow: true}
  - domain: outbound
    descriptors:
      - {key: tenant, limits: [{rate: 50/s}, {concurrency: 10, ttl: 60s}]}
  - domain: server             # the server's own traffic: off unless this domain is there
    descriptors:
      - {key: client_ip, limit: 1000/s}
      - {key: scope, value: global, limit: 10000/s}
limit_files: []                # more limits, as in ["limits.d/*.yaml"], told from this file

queue_creation: open           # or closed: only the queues that follow
queues:
  emails:
    lease: 30s
    attempts: 8
    backoff: {base: 1s, factor: 2, max: 10m, jitter: 0.2}
    in_flight_per_key: 0       # 1: strictly first in, first out for each key
    ttl: 7d
    dedup_window: 5m
    decide: {domain: outbound, descriptors: ["queue={queue}", "tenant={header:tenant}"]}
    dead_letter: {keep: 7d, expired: false}
    weights: {acme: 5, "*": 1}
    max: {messages: 10000000, bytes: 10GiB}
  hooks:                       # pushed over HTTP by the server itself
    attempts: 8
    push: {url: "{header:url}", timeout: 10s, signing_secret_env: HOOK_SECRET}

dispatch:                      # the requests of queues with `push`
  total: 200                   # at a time, in all …
  per_host: 8                  # … and to one host
  host_rate: 50/s
  guard: block                 # requests to private addresses; or report, or off
  allow: []                    # but for these, as in [10.1.0.0/16, "*.svc.local"]

gateway:                       # the web server; docs/gateway.md
  limiters: {choose: random, deadline: 30ms}
  client_address: {trusted_proxies: [], ipv6_prefix: 64}
  compute_hash: {rounds: 200000, cache: {entries: 100000, ttl: 1h}}
  routes:
    - path: /compute_hash
      when_none: refuse        # no limiter answers in time: or allow
      decide: {domain: gateway, descriptors: ["client_ip={client_ip}"]}
    - path: /
      upstream: http://127.0.0.1:9000
      decide: {domain: api, descriptors: ["client_ip={client_ip}"]}

limiter:                       # an instance; docs/store.md
  register_with: []            # as in ["http://main_webserver:8000"]
  advertise: auto

table: {memory_max: 1GiB, when_full: refuse}
bounds: {line: 64KiB, body: 1MiB, connections: 100000, stop_timeout: 10s}
log: {level: info, format: text}
)";

constexpr std::string_view kMiddle = R"(```

## How values are written

| | |
|---|---|
| address | `host:port`, `[v6]:port`, or `off`. A public one (all but 127.0.0.0/8, ::1 and localhost) needs `listen.trusted_networks` |
| network | `address/prefix`, IPv4 or IPv6 |
| size | bytes, or `KiB`, `MiB`, `GiB` |
| span | `ms`, `s`, `m`, `h` or `d` |
| rate | `N/unit` or `N/3unit`, unit `ms s m h d w`; `month` and `year` in calendar windows |
| list | a YAML list; in a variable or a flag its items with commas between |

A variable is `RATELIMMQ_` and the path in capitals. The TCP port also listens to `RATELIMMQ_HOST` and `RATELIMMQ_PORT`, which go over `RATELIMMQ_LISTEN_TCP`; `off` in one of them turns it off. A variable with our prefix that nearly names a setting is an error. `--set path=value` sets anything on the command line. `--limits FILE` adds to `limit_files` and may be repeated.

A file is at most 16 MiB, 100 levels deep and, with its aliases written out, 256 MiB in memory; `limit_files` match at most 10,000 files.

## Settings
)";

constexpr std::string_view kBottom = R"(
## Limits

`limits` is a list of domains, each with its tree of descriptors. [limits.md](limits.md) is their page. The domain `gateway` is built in, with one limit of 10 per 10 s (sliding window) for each `client_ip`, unless a file defines it.

The domain `outbound` is built in too: every push carries its descriptors `host={host}` and `dispatch=global`. Unless a file defines them, `host` has the limits `dispatch-per-host` (`dispatch.per_host`) and `dispatch-host-rate` (`dispatch.host_rate`, if there is one), and `dispatch=global` has `dispatch-total` (`dispatch.total`). A file may define other descriptors of `outbound` beside them, also one for a single host (`{key: host, value: api.example.com, limits: [...]}`), which then goes instead. [dispatch.md](dispatch.md) is their page.

## Queues

`queues` is a map of names to settings. A queue that stands here is there from the start, and `QUEUE SET` and `QUEUE DELETE` leave it alone; every other queue is made by its first use (if `queue_creation` is open) with the defaults, and keeps what `QUEUE SET` says of it. A queue that a reload finds no more keeps its settings and its messages. What is left out has its default. [queues.md](queues.md) says what each setting does; spans want a unit here (but for 0), sizes may have one.

A queue with `push.signing_secret_env` needs that variable in the server's environment, with a good secret; otherwise the file is refused. `check-config` looks at the file alone and does not ask for it.

)";

constexpr std::string_view kRoles = R"(
## Routes

`gateway.routes` is a list; [gateway.md](gateway.md) says what a route does.

| Key | Default | |
|---|---|---|
| `path` | – | Begins with `/`; whole segments match, and the longest path wins. |
| `host` | any | The Host field, lower-case, with its port unless the scheme has it by itself. |
| `upstream` | none | `http://host:port`; without it the route is `/compute_hash`. |
| `decide` | none | `{domain, descriptors}`: what is asked first. Templates: `{client_ip}` `{method}` `{path}` `{host}` `{header:NAME}`; an absent or empty value makes its descriptor not apply. |
| `when_none` | refuse | No limiter answers in time: `refuse` (503) or `allow`. |
| `timeout` | 30s | Of the upstream: to its first byte, and between two reads. |
| `max_request`, `max_response` | 16MiB, 1TiB | Bytes of a body. |

## Roles

`ratelimmq serve`, `ratelimmq limiter` and `ratelimmq gateway` read the same file; listeners that a role does not have are off. `store.kind` is `redis` for `limiter`, which has no other. With it `serve` keeps its queues in its data directory and its limits in Redis, shared with every other broker and limiter there; a limit may not be `durable` then. `gateway` keeps hashes there. `store.mode: granted` lets an instance spend units of hot keys in memory, charged ahead of time (docs/store.md); `strict` asks Redis for every decision.
)";

std::string code(const std::string& text) { return text.empty() ? "" : '`' + text + '`'; }

void append_row(const SettingRow& row, std::string& out) {
  out += "| `" + row.path + "` | " + row.kind + " | " + code(row.initial) + " | `" +
         row.environment + "` | " + code(row.flag) + " | " + row.help + " |\n";
}

}  // namespace

std::string_view example() { return kExample; }

std::vector<SettingRow> setting_rows(server::Role role) {
  std::vector<SettingRow> rows;
  const Config initial = initial_config(role);
  for (const Setting& setting : settings()) {
    const std::vector<std::string> values = setting.get(initial);
    rows.push_back({setting.path, setting.kind, setting.list ? "[]" : values.front(),
                    setting.environment(), setting.flag, setting.help});
  }
  return rows;
}

std::string reference_markdown() {
  std::string out = std::string(kTop) + std::string(kExample) + std::string(kMiddle);
  std::string_view group = "-";
  for (size_t i = 0; i < settings().size(); ++i) {
    const std::string_view next = settings()[i].group();
    if (next != group) {
      out += "\n### " + (next.empty() ? "Without a group" : '`' + std::string(next) + '`') +
             "\n\n| Key | Value | Default | Variable | Flag | |\n|---|---|---|---|---|---|\n";
      group = next;
    }
    append_row(setting_rows()[i], out);
  }
  return out + std::string(kBottom) + command::queue_options_markdown() + std::string(kRoles);
}

}  // namespace config

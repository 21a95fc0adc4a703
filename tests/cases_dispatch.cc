// Cases of what answers mean, of signatures, and of when requests go: through the dispatcher's own
// rules, and through a real shard whose queue is pushed under the limits of the domain outbound.
#include <algorithm>
#include <ctime>
#include <map>
#include <set>

#include "cases.h"
#include "dispatch/dispatch.h"
#include "dispatch/structured.h"
#include "dispatch/test_bed.h"
#include "engine/host.h"
#include "engine/test_bed.h"

namespace cases {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const json::object& input_of(const json::object& one) { return one.at("input").as_object(); }
const json::object& expected_of(const json::object& one) { return one.at("expected").as_object(); }

bool is_null(const json::object& object, std::string_view name) {
  return has(object, name) && object.at(name).is_null();
}

base::Time wall_of(const std::string& date) {  // "Sat, 21 Nov 2026 12:00:00 GMT"
  std::tm parts{};
  CHECK(strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) != nullptr);
  return base::time_from(int64_t{timegm(&parts)} * 1'000'000'000);
}

// ---- Retry-After

void play_burst(const json::object& one, Verdict& verdict) {
  const json::object& input = input_of(one);
  const std::string host = text(input, "host");
  dispatch::TestBed bed;
  const base::Time start = bed.now;
  const json::array& responses = input.at("responses").as_array();
  for (size_t i = 0; i < responses.size(); ++i) bed.hosts.begin(host, start - seconds(1));
  for (const json::value& each : responses) {
    const json::object& response = each.as_object();
    bed.now = start + seconds(number(response, "t"));
    const std::string field = text(response, "retry_after");
    bed.end(host, {.status = static_cast<int>(number(response, "status")), .retry_after = field},
            start - seconds(1));
  }
  const base::Duration until = bed.now - start + bed.wait_of(host);
  verdict.same("host_backoff_until_s", number(expected_of(one), "host_backoff_until_s"),
               until / seconds(1));
}

void play_retry_after(const json::object& one, Verdict& verdict) {
  const json::object &input = input_of(one), &expected = expected_of(one);
  if (has(input, "responses")) return play_burst(one, verdict);
  if (has(input, "profile"))
    return verdict.differs("no receiver's own statuses: 410 is dead, other 4xx are tried again");
  verdict.same("the cap", number(input, "max_s"), dispatch::kWaitMax / seconds(1));
  const base::Time wall = wall_of(text(input, "now"));
  const std::string field = text(input, "retry_after");
  const dispatch::Exchange exchange{.status = static_cast<int>(number(input, "status")),
                                    .retry_after = field};
  const dispatch::Judgement judged = dispatch::judge(exchange, wall, {});
  const bool none = is_null(expected, "delay_s") || has(expected, "valid");
  if (none && judged.host_wait) return verdict.wrong("a wait is read where there is none");
  if (none) return verdict.same_text("outcome", "failed", dispatch::to_string(judged.outcome));
  if (!judged.host_wait) return verdict.wrong("no wait is read");
  verdict.same("delay_s", number(expected, "delay_s"), *judged.host_wait / seconds(1));
  if (has(expected, "then")) {  // Our own back-off is the floor.
    dispatch::TestBed bed;
    bed.answer("a.test", 429, "0");
    if (bed.wait_of("a.test") < milliseconds(800)) verdict.wrong("the host is not left alone");
  }
}

// ---- RateLimit

void play_policies(const json::object& wanted, std::string_view field, Verdict& verdict) {
  const auto list = dispatch::parse_string_list(field);
  if (!list) return verdict.wrong("it is not read");
  verdict.same("policies", static_cast<int64_t>(wanted.size()), static_cast<int64_t>(list->size()));
  for (const dispatch::Member& member : *list) {
    const json::value* const policy = wanted.if_contains(member.name);
    if (policy == nullptr) return verdict.wrong("a policy too many: " + member.name);
    for (const auto& [name, value] : policy->as_object()) {
      const bool bytes = name == "pk_b64";
      const dispatch::Item* const item = member.find(bytes ? "pk" : std::string_view(name));
      const dispatch::Item expected =
          bytes ? dispatch::Item(dispatch::Bytes{std::string(value.as_string())})
                : dispatch::Item(value.to_number<int64_t>());
      if (item == nullptr || *item != expected) verdict.wrong("wrong: " + std::string(name));
    }
  }
}

void play_ratelimit(const json::object& one, Verdict& verdict) {
  const json::object& expected = expected_of(one);
  const json::object& headers = input_of(one).at("headers").as_object();
  const std::string field(headers.begin()->value().as_string());
  const auto wait = dispatch::parse_ratelimit(field, "");
  if (has(expected, "policies"))
    return play_policies(expected.at("policies").as_object(), field, verdict);
  if (wait) verdict.wrong("a wait is read where there is none");
  if (has(expected, "ignored") && dispatch::parse_ratelimit(field + R"(,"x";r=0;t=5)", ""))
    verdict.wrong("a faulty field is not ignored as a whole");
  if (has(expected, "wait_s_max")) {
    std::string used_up = field;
    used_up.replace(used_up.find("r=10"), 4, "r=0");
    if (dispatch::parse_ratelimit(used_up, "") != dispatch::kWaitMax)
      verdict.wrong("a hostile time is not cut to the cap");
  }
}

// ---- Webhooks

int64_t seconds_in(const json::object& input, std::string_view name) {
  return std::stoll(text(input, name));
}

void play_verify(const json::object& one, Verdict& verdict) {
  const json::object& input = input_of(one);
  const base::Status ours =
      dispatch::verify(text(input, "secret"), text(input, "webhook-id"),
                       text(input, "webhook-timestamp"), text(input, "webhook-signature"),
                       text(input, "body"), base::time_from(number(input, "now") * 1'000'000'000));
  verdict.same("valid", number(expected_of(one), "valid"), ours ? 1 : 0);
}

void play_attempts(const json::object& one, const dispatch::Signer& signer, Verdict& verdict) {
  const json::object &input = input_of(one), &expected = expected_of(one);
  const std::string id = text(input, "webhook-id"), body = text(input, "body");
  engine::Stored stored;
  stored.body = body;
  queue::Push push;
  push.url = "https://a.test/";
  const json::array& attempts = input.at("attempts").as_array();
  for (size_t i = 0; i < attempts.size(); ++i) {
    const auto parcel = dispatch::wrap(stored, push,
                                       {.queue = "q",
                                        .id = id,
                                        .attempt = static_cast<uint16_t>(i + 1),
                                        .unix_seconds = attempts[i].to_number<int64_t>(),
                                        .signer = &signer});
    CHECK(parcel.has_value());
    for (const auto& [name, value] : parcel->fields) {
      if (has(expected, name))
        verdict.same_text(name, expected.at(name).as_array()[i].as_string(), value);
    }
  }
}

void play_signing(const json::object& one, Verdict& verdict) {
  const json::object &input = input_of(one), &expected = expected_of(one);
  if (has(expected, "valid")) return play_verify(one, verdict);
  std::string secrets = text(input, "secret");
  if (has(input, "secrets")) {
    secrets.clear();
    for (const json::value& each : input.at("secrets").as_array())
      secrets += std::string(each.as_string()) + " ";
  }
  const auto signer = dispatch::Signer::make(secrets);
  if (has(expected, "error")) {
    if (signer) verdict.wrong("a bad secret is taken");
    return;
  }
  if (!signer) return verdict.wrong(signer.error().what);
  if (has(input, "attempts")) return play_attempts(one, *signer, verdict);
  verdict.same_text("webhook-signature", text(expected, "webhook-signature"),
                    signer->sign(text(input, "webhook-id"), seconds_in(input, "webhook-timestamp"),
                                 text(input, "body")));
}

// ---- The scheduler: leases of a pushed queue are the requests that are in flight.

limiter::NodeSpec cap(std::string_view key, std::string_view value, int64_t most) {
  limiter::LimitSpec spec;
  spec.name = key;
  spec.algorithm = "concurrency";
  spec.law = limit::Concurrency::make(most, hours(12)).value();
  limiter::NodeSpec node;
  node.key = key;
  node.value = value;
  node.limits.push_back(std::move(spec));
  return node;
}

std::vector<limiter::DomainSpec> caps(int64_t global, int64_t per_host) {
  limiter::DomainSpec domain;
  domain.name = dispatch::kDomain;
  domain.nodes.push_back(cap(dispatch::kHostKey, "", per_host));
  domain.nodes.push_back(cap(dispatch::kGlobalKey, dispatch::kGlobalValue, global));
  return {domain};
}

// Sends as a pusher does: whatever is leased is in flight at once, for as long as its host takes.
class Requests {
 public:
  Requests(int64_t global, int64_t per_host) : bed({}, caps(global, per_host)) {
    bed.set("q", [](queue::Settings& s) {
      s.push.url = "{header:url}";
      s.lease = hours(1);
      s.durability = queue::Durability::kMemory;
    });
  }
  void enqueue(const std::string& host, int64_t count) {
    const std::string url = "http://" + host + "/";
    const engine::Header header{"url", url};
    std::vector<engine::Message> messages(static_cast<size_t>(std::min<int64_t>(count, 1000)));
    for (engine::Message& message : messages) message.headers = {&header, 1};
    for (int64_t left = count; left > 0; left -= static_cast<int64_t>(messages.size())) {
      messages.resize(static_cast<size_t>(std::min<int64_t>(left, 1000)));
      engine::Enqueue asked;
      asked.queue = "q";
      asked.messages = messages;
      bed.ask(asked);
      CHECK(bed.status.has_value());
    }
  }
  void start() {
    for (engine::Delivery& got : bed.dequeue("q", 1000)) {
      const auto stored = engine::decode_message(got.record);
      const std::string host = engine::host_of(stored->headers.at(0).value);
      in_flight.push_back({bed.now, host, std::move(got)});
      ++of_host[host];
      most_of_host[host] = std::max(most_of_host[host], of_host[host]);
    }
    most = std::max(most, in_flight.size());
  }
  // What has taken `latency` of its host is answered with 200.
  void answer(const std::map<std::string, base::Duration>& latency) {
    std::erase_if(in_flight, [&](const Flying& each) {
      if (bed.now - each.since < latency.at(each.host)) return false;
      CHECK(bed.ack(each.delivery));
      --of_host[each.host];
      done.insert(each.host);
      return true;
    });
  }

  struct Flying {
    base::Time since;
    std::string host;
    engine::Delivery delivery;
  };
  engine::TestBed bed;
  std::vector<Flying> in_flight;
  std::map<std::string, int64_t> of_host, most_of_host;
  size_t most = 0;
  std::multiset<std::string> done;
};

// Hosts of `queue`: [[host, how many], …].
std::vector<std::pair<std::string, int64_t>> hosts_in(const json::object& input) {
  std::vector<std::pair<std::string, int64_t>> out;
  for (const json::value& each : input.at("queue").as_array()) {
    out.emplace_back(each.as_array()[0].as_string(), each.as_array()[1].to_number<int64_t>());
  }
  return out;
}

void play_caps(const json::object& one, Verdict& verdict) {
  const json::object &input = input_of(one), &expected = expected_of(one);
  Requests requests(number(input, "global"), number(input, "per_host"));
  std::map<std::string, base::Duration> latency;
  for (const auto& [host, count] : hosts_in(input)) {
    requests.enqueue(host, count);
    latency[host] = milliseconds(number(input, "latency_ms", 100));
  }
  for (int i = 0; i < 200; ++i) {
    requests.start();
    requests.bed.pass(milliseconds(10));
    requests.answer(latency);
  }
  if (requests.done.empty()) verdict.wrong("nothing was done");
  if (has(expected, "inflight"))
    verdict.same("inflight", number(expected, "inflight"), static_cast<int64_t>(requests.most));
  if (!has(expected, "max_inflight_total")) return;
  verdict.same("max_inflight_total", number(expected, "max_inflight_total"),
               static_cast<int64_t>(requests.most));
  for (const auto& [host, most] : requests.most_of_host)
    verdict.same(host, number(expected, "max_inflight_" + host), most);
}

void play_head_of_line(const json::object& one, Verdict& verdict) {
  const json::object& input = input_of(one);
  Requests requests(number(input, "global"), number(input, "per_host"));
  std::map<std::string, base::Duration> latency;
  for (const auto& [host, count] : hosts_in(input)) {
    requests.enqueue(host, count);
    latency[host] = milliseconds(number(input.at("latency_ms").as_object(), host));
  }
  const base::Time begin = requests.bed.now;
  while (requests.done.count("fast.test") == 0 && requests.bed.now - begin < seconds(20)) {
    requests.start();
    requests.bed.pass(milliseconds(5));
    requests.answer(latency);
  }
  if (requests.bed.now - begin > milliseconds(number(expected_of(one), "fast.test_done_within_ms")))
    verdict.wrong("the fast host waits behind the slow one");
}

void play_host_key(const json::object& one, Verdict& verdict) {
  std::set<std::string> keys;
  for (const json::value& url : input_of(one).at("urls").as_array())
    keys.insert(engine::host_of(url.as_string()));
  verdict.same("keys", 1, static_cast<int64_t>(keys.size()));
}

void play_lower_cap(const json::object& one, Verdict& verdict) {
  const json::object &input = input_of(one), &expected = expected_of(one);
  Requests requests(1000, number(input, "per_host"));
  requests.enqueue("a.test", 100);
  requests.start();
  verdict.same("in flight", number(input, "inflight"),
               static_cast<int64_t>(requests.in_flight.size()));
  CHECK(requests.bed.limiter->reload(caps(1000, number(input, "set_per_host"))).empty());
  requests.bed.turn();
  const int64_t before = requests.of_host["a.test"];
  bool admitted = false;
  while (!admitted && requests.of_host["a.test"] > 0) {
    const int64_t left = requests.of_host["a.test"];
    requests.start();
    admitted = requests.of_host["a.test"] > left;
    if (admitted) {
      verdict.same("next_admitted_when_inflight", number(expected, "next_admitted_when_inflight"),
                   left);
    } else {
      if (!requests.bed.ack(requests.in_flight.back().delivery)) verdict.wrong("one was killed");
      requests.in_flight.pop_back();
      --requests.of_host["a.test"];
    }
  }
  if (!admitted) verdict.wrong("none goes any more");
  verdict.same("killed", number(expected, "killed"), number(input, "inflight") - before);
}

void play_wait_is_free(const json::object& one, Verdict& verdict) {
  const json::object& input = input_of(one);
  Requests requests(10, 1);
  requests.enqueue("a.test", 1);
  const limiter::Entry host{dispatch::kHostKey, "a.test"};
  const base::Duration wait = seconds(number(input, "wait_for_permit_s"));
  CHECK(requests.bed.limiter->block(dispatch::kDomain, {&host, 1}, requests.bed.now + wait,
                                    requests.bed.now));
  requests.start();
  if (!requests.in_flight.empty()) verdict.wrong("it does not wait");
  requests.bed.pass(wait);
  requests.start();
  if (requests.in_flight.size() != 1) return verdict.wrong("it does not go");
  const engine::Delivery& got = requests.in_flight.front().delivery;
  verdict.same("what is left of the lease, s", 3600,
               (got.lease_until - requests.bed.now) / seconds(1));
}

void play_crash(const json::object&, Verdict& verdict) {
  engine::TestBed bed;
  bed.set("q", [](queue::Settings& s) { s.push.url = "https://a.test/"; });
  const queue::Number id = bed.enqueue("q", "m");
  engine::Dequeue asked;
  const std::string_view name = "q";
  asked.queues = {&name, 1};
  asked.unsynced = true;
  if (bed.ask(asked).deliveries.size() != 1) return verdict.wrong("it is not sent");
  bed.crash();
  bed.pass(seconds(31));
  bed.pass(seconds(31));
  const auto again = bed.dequeue("q");
  if (again.size() != 1 || again[0].number != id) verdict.wrong("it is not sent again as itself");
}

void play_doublings(const json::object& one, Verdict& verdict) {
  const json::object& input = input_of(one);
  const json::array& wanted = expected_of(one).at("delays_s").as_array();
  const auto doublings = static_cast<size_t>(number(input, "max_doublings"));
  const std::vector<double> got = delays({.base = seconds(number(input, "min_backoff_s")),
                                          .max = seconds(number(input, "max_backoff_s")),
                                          .jitter_ppm = 0},
                                         wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (i > doublings + 1 && i + 2 < wanted.size()) continue;
    verdict.same("delay " + std::to_string(i), wanted[i].to_number<int64_t>(),
                 std::llround(got[i]));
  }
  verdict.differs("back-off doubles up to its maximum; it never goes on in equal steps");
}

void play_scheduler(const json::object& one, Verdict& verdict) {
  static const std::map<std::string, Player, std::less<>> kBy = {
      {"sched-001", play_doublings},    {"sched-005", play_caps},
      {"sched-006", play_head_of_line}, {"sched-007", play_caps},
      {"sched-008", play_host_key},     {"sched-010", play_lower_cap},
      {"sched-011", play_wait_is_free}, {"sched-018", play_crash}};
  static const std::map<std::string, const char*, std::less<>> kNotOurs = {
      {"sched-003", "back-off is a base, a factor and a maximum, no list; jitter is the same"},
      {"sched-009", "limits know hosts by name and port; several names of one address share none"},
      {"sched-012", "rates and caps are told, not learnt from latency"},
      {"sched-013", "rates and caps are told, not learnt from latency"},
      {"sched-015", "rates and caps are told, not learnt from answers"},
      {"sched-016", "a host that fails is probed one by one; nothing is refused by chance"}};
  const std::string id = text(one, "id");
  if (const auto found = kBy.find(id); found != kBy.end()) return found->second(one, verdict);
  const auto known = kNotOurs.find(id);
  if (known == kNotOurs.end()) return verdict.wrong("nobody plays it");
  verdict.differs(known->second);
}

}  // namespace

void add_dispatch_players(Players& players) {
  players["retry-after"] = play_retry_after;
  players["ratelimit-fields"] = play_ratelimit;
  players["webhook-signing"] = play_signing;
  players["scheduler"] = play_scheduler;
}

// Of queues.jsonl, which says `given` and `expect` in words.
void play_standard_webhooks(const json::object& one, Verdict& verdict) {
  static constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  static constexpr std::string_view kBody = R"({"test": 2432232314})";
  static constexpr int64_t kSent = 1'614'265'330;
  const json::object& given = one.at("given").as_object();
  const std::string wanted(one.at("expect").as_string());
  const std::string right = dispatch::Signer::make(kSecret)->sign("msg_1", kSent, kBody);
  const auto valid = [&](std::string_view id, std::string_view timestamp,
                         std::string_view signatures, int64_t now) {
    return dispatch::verify(kSecret, id, timestamp, signatures, kBody,
                            base::time_from(now * 1'000'000'000))
        .has_value();
  };
  const std::string sent = std::to_string(kSent);
  if (!valid("msg_1", sent, right, kSent)) verdict.wrong("what is right is refused");
  if (has(given, "secret")) {
    const auto signer = dispatch::Signer::make(text(given, "secret"));
    verdict.same_text(
        "signature", wanted,
        signer->sign(text(given, "id"), number(given, "timestamp"), text(given, "payload")));
  } else if (has(given, "drop_one_of")) {
    if (valid("", sent, right, kSent) || valid("msg_1", "", right, kSent) ||
        valid("msg_1", sent, "", kSent))
      verdict.wrong("a field is missing and nobody minds");
  } else if (has(given, "age_s")) {
    if (valid("msg_1", sent, right, kSent + number(given, "age_s")))
      verdict.wrong("a timestamp of the future is taken");
  } else {
    std::string list;
    for (const json::value& each : given.at("signatures").as_array()) {
      const std::string_view kind = each.as_string();
      const bool good = kind.ends_with("<right>");
      list += good ? right : std::string(kind.substr(0, 3)) + "AAAA";
      list += ' ';
    }
    if (!valid("msg_1", sent, list, kSent)) verdict.wrong("the right one of a list is not found");
  }
}

}  // namespace cases

// bench: load for a server, ours or a peer, and what came of it.
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <random>

#include "base/number.h"
#include "cli/cli.h"
#include "config/value.h"
#include "io/socket.h"
#include "limit/rate.h"
#include "load/load.h"
#include "load/report.h"

namespace cli {
namespace {

struct Asked {
  std::string target = "tcp://127.0.0.1:7411";
  std::string talk, work = "ping";
  unsigned connections = 50, threads = 1;
  size_t pipeline = 1;
  uint64_t keys = 0;
  std::string keys_like;
  size_t body = 100;
  std::string queue = "bench";
  uint64_t queues = 1;
  bool dedup = false, overlap = false, json = false;
  uint64_t messages = 0;
  uint64_t first = 0;
  std::string durability, rate, span, warm_up, wait, lease, law, throttle;
  uint64_t count = 0;
  std::string domain = "bench", descriptor = "key={key}";
  std::string request, method = "GET", content;
  std::vector<std::string> fields;
  std::vector<int> servers;
  std::string record;
  uint64_t seed = 0;
};

constexpr uint64_t kLimitKeys = 100'000;
constexpr int64_t kRecordLeaseMs = 30'000;
constexpr size_t kOtherDescriptors = 64;

base::Error wrong(const std::string& option, const std::string& what) {
  return base::invalid("--" + option + ": " + what, option);
}

base::Status take_span(const std::string& option, const std::string& text, base::Duration& span) {
  if (text.empty()) return {};
  const base::Result<base::Duration> read = config::parse_span(text);
  if (!read) return wrong(option, "must be a span such as 10s or 500ms, not '" + text + "'");
  if (*read > load::kForMax) return wrong(option, "must be at most 7 d");
  span = *read;
  return {};
}

// "20k", "1.5M/s", "300".
base::Result<uint64_t> parse_rate(const std::string& text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  std::string unit(stop, end);
  if (unit.ends_with("/s")) unit.resize(unit.size() - 2);
  const double times = unit.empty() ? 1 : unit == "k" ? 1e3 : unit == "M" ? 1e6 : 0;
  value *= times;
  if (error != std::errc() || value < 1 || value > static_cast<double>(load::kRateMax))
    return wrong("rate", "must be 1/s to 100M/s, such as 500/s or 20k/s, not '" + text + "'");
  return static_cast<uint64_t>(value);
}

base::Result<load::Law> parse_law(const std::string& option, const std::string& text) {
  const base::Result<limit::RateText> rate = limit::parse_rate(text);
  if (!rate) return wrong(option, rate.error().what);
  if (rate->calendar_only || rate->rate.count < 1)
    return wrong(option, "must be a count in a span of a fixed length");
  const int64_t burst = rate->burst.value_or(rate->rate.count);
  return load::Law{.count = static_cast<uint64_t>(rate->rate.count),
                   .burst = static_cast<uint64_t>(burst),
                   .period = rate->rate.period};
}

template <typename Enum, size_t N>
base::Status take_name(const std::string& option, const std::string& text,
                       const std::array<std::string_view, N>& names, Enum& value) {
  for (size_t i = 0; i < N; ++i) {
    if (names[i] != text) continue;
    value = static_cast<Enum>(i);
    return {};
  }
  return wrong(option, config::unknown_word(text, names).what);
}

// "one", "turn", "uniform", "zipf", "zipf:0.99".
base::Status take_keys(const Asked& asked, load::Work& work) {
  load::KeyTerms& keys = work.keys;
  work.message_keys = asked.keys > 0 || asked.keys_like == "one";
  keys.count = asked.keys > 0 ? asked.keys : kLimitKeys;
  const std::string like = asked.keys_like.empty() ? "uniform" : asked.keys_like;
  if (like == "one") {
    keys.like = load::KeysLike::kOne;
    keys.count = 1;
  } else if (like == "turn") {
    keys.like = load::KeysLike::kTurn;
  } else if (like.starts_with("zipf")) {
    keys.like = load::KeysLike::kZipf;
    keys.exponent = 0.99;
    if (like == "zipf") return {};
    const char* const end = like.data() + like.size();
    const auto [stop, error] = std::from_chars(like.data() + 5, end, keys.exponent);
    if (like[4] != ':' || error != std::errc() || stop != end || !(keys.exponent >= 0.01) ||
        keys.exponent > 10) {
      return wrong("keys-like", "zipf:EXPONENT has an exponent of 0.01 to 10");
    }
  } else if (like != "uniform") {
    return wrong("keys-like", "must be one, turn, uniform or zipf:EXPONENT, not '" + like + "'");
  }
  return {};
}

// "check", "cycle", "check:8,enqueue:1".
base::Status take_work(const std::string& text, load::Work& work) {
  work.shape = text == "cycle"     ? load::Shape::kCycle
               : text == "dequeue" ? load::Shape::kTake
               : text == "drain"   ? load::Shape::kDrain
                                   : load::Shape::kMix;
  if (work.shape != load::Shape::kMix) return {};
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string share = text.substr(at, end - at);
    const size_t colon = std::min(share.find(':'), share.size());
    load::Share one;
    const std::string name = share.substr(0, colon);
    if (const auto taken = take_name("work", name, load::kVerbNames, one.verb); !taken)
      return wrong("work", "must be cycle, drain, or verbs such as check or check:8,enqueue:1; '" +
                               name + "' is none");
    if (one.verb == load::Verb::kAck)
      return wrong("work", "what was dequeued is acknowledged by itself; leave ack away");
    if (colon < share.size()) {
      const auto weight = base::parse_integer(share.substr(colon + 1));
      if (!weight || *weight < 1 || *weight > 1'000'000)
        return wrong("work", "the weight in '" + share + "' must be 1 to 1,000,000");
      one.weight = static_cast<uint32_t>(*weight);
    }
    work.mix.push_back(one);
    at = end + 1;
  }
  return {};
}

// tcp://HOST:PORT, http://HOST:PORT, redis://…, HOST:PORT. The scheme only says which talk is
// meant.
base::Status take_target(const Asked& asked, load::Options& options) {
  std::string rest = asked.target, scheme;
  if (const size_t at = rest.find("://"); at != std::string::npos) {
    scheme = rest.substr(0, at);
    rest = rest.substr(at + 3);
  }
  if (const size_t path = rest.find('/'); path != std::string::npos) rest.resize(path);
  if (!scheme.empty() && scheme != "tcp" && scheme != "http" && scheme != "redis" &&
      scheme != "nats")
    return base::invalid("TARGET: the scheme must be tcp, http, redis or nats, not '" + scheme +
                         "'");
  const auto place = io::parse_host_port(rest);
  if (!place || !place->port || *place->port == 0)
    return base::invalid("TARGET: must be as in tcp://127.0.0.1:7411, not '" + asked.target + "'");
  const base::Result<io::Ip> ip = io::resolve(place->host);
  if (!ip)
    return base::Error{base::Code::kIo, "TARGET: " + place->host + ": " + ip.error().what, {}};
  options.to = {*ip, *place->port};
  options.work.host = rest;
  std::string talk = asked.talk;
  if (talk.empty()) talk = scheme == "tcp" || scheme.empty() ? "resp" : scheme;
  return take_name("talk", talk, load::kWireNames, options.work.wire);
}

base::Status take_texts(const Asked& asked, load::Options& options) {
  load::Work& work = options.work;
  base::Duration wait{}, lease{};
  const bool spans_given = !asked.span.empty();
  if (asked.count > 0 && !spans_given) options.span = load::kForMax;
  const bool whole = asked.count > 0 || asked.work == "drain";  // A warm-up would use it up.
  options.warm_up = whole ? base::Duration::zero() : base::Duration(std::chrono::seconds(1));
  for (const base::Status& taken :
       {take_span("for", asked.span, options.span),
        take_span("warm-up", asked.warm_up, options.warm_up), take_span("wait", asked.wait, wait),
        take_span("lease", asked.lease, lease), take_keys(asked, work),
        take_work(asked.work, work)}) {
    if (!taken) return taken.error();
  }
  if (options.span <= base::Duration::zero()) return wrong("for", "must be above 0");
  if (whole && options.warm_up > base::Duration::zero())
    return wrong("warm-up", "not with --count or drain: it would use up what is to be measured");
  work.wait_ms = base::ceil_ms(wait);
  work.lease_ms = base::ceil_ms(lease);
  if (!asked.durability.empty()) {
    load::Durability durability{};
    const auto taken =
        take_name("durability", asked.durability, load::kDurabilityNames, durability);
    if (!taken) return taken.error();
    work.durability = durability;
  }
  if (!asked.rate.empty()) {
    const base::Result<uint64_t> rate = parse_rate(asked.rate);
    if (!rate) return rate.error();
    options.rate = *rate;
  }
  return {};
}

base::Status take_laws(const Asked& asked, load::Options& options) {
  if (!asked.throttle.empty()) {
    const base::Result<load::Law> law = parse_law("throttle", asked.throttle);
    if (!law) return law.error();
    if (law->period % std::chrono::seconds(1) != base::Duration::zero())
      return wrong("throttle", "the verb takes whole seconds");
    options.work.throttle = *law;
  }
  if (!asked.law.empty()) {
    const base::Result<load::Law> law = parse_law("limit", asked.law);
    if (!law) return law.error();
    options.law = *law;
  }
  return {};
}

base::Status take_record(const Asked& asked, load::Options& options) {
  load::Work& work = options.work;
  options.record = asked.record;
  if (asked.record.empty()) return {};
  if (work.wire != load::Wire::kLine && work.wire != load::Wire::kResp &&
      work.wire != load::Wire::kHttp) {
    return wrong("record", "a history is recorded of our own server only: line, resp or http");
  }
  if (work.spelling.body_bytes < load::Spelling::kNameBytes)
    return wrong("body", "at least " + std::to_string(load::Spelling::kNameBytes) +
                             " bytes with --record: they name the message");
  char tag[9];
  std::snprintf(tag, sizeof tag, "%08x", static_cast<unsigned>(std::random_device()()));
  work.spelling.tag = tag;
  if (work.lease_ms == 0) work.lease_ms = kRecordLeaseMs;
  return {};
}

base::Status check_bounds(const load::Options& options) {
  const load::Work& work = options.work;
  if (options.threads > options.connections)
    return wrong("threads", "each needs a connection, see --connections");
  const bool many = work.wire == load::Wire::kLine || work.wire == load::Wire::kResp ||
                    work.wire == load::Wire::kHttp || work.wire == load::Wire::kRedis;
  if (!many && work.spelling.queues > 1)
    return wrong("queues", "several only of line, resp, http and redis");
  if (!many && work.count > 0)
    return wrong("messages", "several at a time only of line, resp, http and redis");
  const uint64_t most = io::raise_descriptor_limit();
  if (options.connections + kOtherDescriptors > most) {
    return wrong("connections", std::to_string(options.connections) +
                                    " sockets are more than the system allows (" +
                                    std::to_string(most) + " open files, see ulimit -n)");
  }
  return load::check_work(work, options.rate > 0);
}

base::Result<load::Options> options_of(const Asked& asked) {
  load::Options options;
  load::Work& work = options.work;
  options.connections = asked.connections;
  options.threads = asked.threads;
  options.count = asked.count;
  options.servers = asked.servers;
  work.pipeline = asked.pipeline;
  work.spelling = {
      .queue = asked.queue, .queues = asked.queues, .body_bytes = asked.body, .tag = {}};
  work.dedup = asked.dedup;
  work.count = asked.messages;
  work.overlap = asked.overlap;
  work.first = asked.first;
  work.domain = asked.domain;
  work.descriptor = asked.descriptor;
  work.own = {asked.request, asked.method, asked.fields, asked.content};
  work.seed = asked.seed != 0 ? asked.seed : std::random_device()();
  for (const base::Status& taken : {take_target(asked, options), take_texts(asked, options),
                                    take_laws(asked, options), take_record(asked, options)}) {
    if (!taken) return taken.error();
  }
  if (const base::Status checked = check_bounds(options); !checked) return checked.error();
  return options;
}

// One line on the terminal, drawn over itself.
class Progress {
 public:
  ~Progress() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
  }
  void draw(const load::Live& live) {
    if (!terminal_) return;
    const double seconds = static_cast<double>(live.since.count()) / 1e9;
    const double answers = static_cast<double>(live.answers);
    const double rate = (answers - answers_) / std::max(seconds - seconds_, 0.001);
    std::fprintf(stderr, "\r\x1b[K%5.1f s  %s  %s answers/s  %s answers, %llu errors", seconds,
                 live.measured ? "measured" : "warm-up", load::number_text(rate).c_str(),
                 load::number_text(answers).c_str(), static_cast<unsigned long long>(live.errors));
    drawn_ = true;
    answers_ = answers;
    seconds_ = seconds;
  }

 private:
  const bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  bool drawn_ = false;
  double answers_ = 0, seconds_ = 0;
};

int run_bench(const Asked& asked) {
  const base::Result<load::Options> options = options_of(asked);
  if (!options) {
    std::fprintf(stderr, "ratelimmq: %s\n", options.error().what.c_str());
    return kUsage;
  }
  base::Result<load::Outcome> outcome = load::Outcome{};
  {
    Progress progress;
    outcome = load::run(*options, [&](const load::Live& live) { progress.draw(live); });
  }
  if (!outcome) {
    std::fprintf(stderr, "ratelimmq: %s\n", outcome.error().what.c_str());
    return kUsage;
  }
  const std::string text = asked.json ? load::report_json(*options, *outcome) + '\n'
                                      : load::report_text(*options, *outcome);
  std::fputs(text.c_str(), stdout);
  return outcome->tally.errors > 0 || outcome->interrupted ? kFailed : kDone;
}

void add_load(CLI::App& command, Asked& asked) {
  command.add_option("--connections,-c", asked.connections, "Connections (50)")
      ->check(CLI::Range(1u, load::kConnectionsMax))
      ->type_name("N");
  command.add_option("--pipeline,-P", asked.pipeline, "Requests that leave together (1)")
      ->check(CLI::Range(size_t{1}, load::kPipelineMax))
      ->type_name("N");
  command.add_option("--threads", asked.threads, "Threads of this program (1)")
      ->check(CLI::Range(1u, load::kThreadsMax))
      ->type_name("N");
  command.add_option("--for", asked.span, "How long it is measured (10s)")->type_name("SPAN");
  command.add_option("--count", asked.count, "Or until so many operations are done")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40))
      ->type_name("N");
  command
      .add_option("--warm-up", asked.warm_up,
                  "How long before that (1s; 0s with --count and drain)")
      ->type_name("SPAN");
  command
      .add_option("--rate", asked.rate,
                  "Open loop: so many requests a second, whatever is answered; a latency counts "
                  "from the instant when its request was due")
      ->type_name("N/s");
}

void add_requests(CLI::App& command, Asked& asked) {
  command.add_option("--keys", asked.keys, "Keys (100000; of messages: none)")
      ->check(CLI::Range(uint64_t{1}, load::kKeysMax))
      ->type_name("N");
  command
      .add_option("--keys-like", asked.keys_like,
                  "one, turn (one after the other), uniform, zipf:EXPONENT (uniform)")
      ->type_name("HOW");
  command.add_option("--domain", asked.domain, "Of CHECK (bench)");
  command.add_option("--descriptor", asked.descriptor, "Of CHECK (key={key})");
  command
      .add_option("--throttle", asked.throttle,
                  "The limit that throttle and gcra-lua ask for (1000000/60s burst 1000000)")
      ->type_name("RATE");
  command
      .add_option("--request", asked.request,
                  "Of the verb request: its words, over HTTP its path; {key}, {number}, {queue} "
                  "and {body} are filled in")
      ->type_name("TEXT");
  command.add_option("--method", asked.method, "HTTP method of the verb request (GET)");
  command.add_option("--header", asked.fields, "HTTP field of all requests: 'Name: value'")
      ->type_name("FIELD")
      ->take_all();
  command.add_option("--content", asked.content, "HTTP body (JSON) of the verb request")
      ->type_name("TEXT");
  command.add_option("--wait", asked.wait, "CHECK and DEQUEUE wait so long (0s)")
      ->type_name("SPAN");
  command.add_option("--seed", asked.seed, "Of what is drawn (a random one)")->type_name("N");
}

void add_messages(CLI::App& command, Asked& asked) {
  command.add_option("--body", asked.body, "Bytes of a message (100)")
      ->check(CLI::Range(size_t{1}, load::kBodyBytesMax))
      ->type_name("BYTES");
  command.add_option("--queue", asked.queue, "Queue (bench)");
  command.add_option("--queues", asked.queues, "Over 1: so many of them, bench000000 and so on")
      ->check(CLI::Range(uint64_t{1}, load::kQueuesMax))
      ->type_name("N");
  command
      .add_option("--messages", asked.messages,
                  "Messages of one DEQUEUE, receipts of one ACK (one verb each)")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1000}))
      ->type_name("N");
  command.add_option("--durability", asked.durability,
                     "fsync, os or memory: sets the queue's before the load; of redis its "
                     "appendonly and appendfsync (as the server says)");
  command.add_option("--lease", asked.lease, "Of DEQUEUE (the queue's)")->type_name("SPAN");
  command.add_flag("--dedup", asked.dedup, "Each message has a deduplication id");
  command.add_flag("--overlap", asked.overlap,
                   "A cycle's verbs leave together, the ACK with the next ones");
  command.add_option("--first", asked.first, "Where the numbers of requests begin (0)")
      ->type_name("N");
}

void add_outcome(CLI::App& command, Asked& asked) {
  command
      .add_option("--server-pid", asked.servers,
                  "Process of the server: its CPU time, memory and bytes written are told")
      ->check(CLI::Range(1, 1 << 30))
      ->type_name("PID")
      ->take_all();
  command
      .add_option("--limit", asked.law,
                  "The limit that the server keeps for each key, \"100/s burst 5\": how exactly it "
                  "does is told")
      ->type_name("RATE");
  command.add_option("--record", asked.record, "Write a history for ratelimmq check to this file")
      ->type_name("FILE");
  command.add_flag("--json", asked.json, "One line of JSON instead of text");
}

}  // namespace

void add_bench(Program& program) {
  const auto asked = std::make_shared<Asked>();  // Shared: the options write, the body reads.
  CLI::App& command =
      program.add("bench", "Put a server under load and measure it: this one, or a peer",
                  [asked] { return run_bench(*asked); });
  command
      .add_option("target", asked->target,
                  "tcp://HOST:PORT, http://, redis://, nats:// (tcp://127.0.0.1:7411)")
      ->type_name("TARGET");
  command.add_option("--talk", asked->talk,
                     "line, resp, http, redis, redis-stream, beanstalk, nats, rabbit (by the "
                     "target: resp, http, redis, nats)");
  command
      .add_option("--work", asked->work,
                  "ping, check, throttle, incr, gcra-lua, request, enqueue, dequeue; several with "
                  "weights, check:8,enqueue:1; cycle (enqueue, dequeue, ack), drain (ping)")
      ->type_name("WORK");
  add_load(command, *asked);
  add_requests(command, *asked);
  add_messages(command, *asked);
  add_outcome(command, *asked);
  command.footer(
      "Examples:\n"
      "  ratelimmq bench --work throttle --pipeline 64 --keys 1000000 --keys-like zipf:0.99\n"
      "  ratelimmq bench --work cycle --durability fsync --for 30s --server-pid $(pidof "
      "ratelimmq)\n"
      "  ratelimmq bench http://127.0.0.1:8080 --work check --rate 5k/s --json\n"
      "  ratelimmq bench redis://127.0.0.1:6379 --work gcra-lua --pipeline 16\n"
      "  ratelimmq bench http://127.0.0.1:8000 --work request --request '/?user={key}'\n"
      "docs/bench.md explains the numbers. Exit code: 0; 1 after an error answer or an interrupt;\n"
      "2 for bad usage, or without a connection.");
}

}  // namespace cli

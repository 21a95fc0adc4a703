#include "cli/bench_options.h"

#include <charconv>
#include <cstdio>
#include <random>

#include "base/number.h"
#include "config/value.h"
#include "io/socket.h"
#include "limit/rate.h"

namespace cli {
namespace {

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
base::Status take_keys(const BenchFlags& asked, load::Work& work) {
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
base::Status take_target(const BenchFlags& asked, load::Options& options) {
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

base::Status take_texts(const BenchFlags& asked, load::Options& options) {
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

base::Status take_laws(const BenchFlags& asked, load::Options& options) {
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

base::Status take_record(const BenchFlags& asked, load::Options& options) {
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

}  // namespace

base::Result<load::Options> bench_options(const BenchFlags& asked) {
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

}  // namespace cli

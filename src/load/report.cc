#include "load/report.h"

#include <boost/json.hpp>
#include <cstdarg>
#include <cstdio>

#include "base/version.h"

namespace load {
namespace {

namespace json = boost::json;

struct Point {
  const char* name;
  double share;
};
constexpr Point kPoints[] = {{"p50", 0.5},  {"p75", 0.75},    {"p90", 0.9},      {"p95", 0.95},
                             {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}};

double us(double nanoseconds) { return nanoseconds / 1e3; }
double us(int64_t nanoseconds) { return us(static_cast<double>(nanoseconds)); }

__attribute__((format(printf, 2, 3))) void print(std::string& out, const char* form, ...) {
  char line[512];
  va_list words;
  va_start(words, form);
  const int length = std::vsnprintf(line, sizeof line, form, words);
  va_end(words);
  out.append(line, std::min(static_cast<size_t>(std::max(length, 0)), sizeof line - 1));
}

std::string span_text(double nanoseconds) {
  std::string out;
  if (nanoseconds < 1e6) {
    print(out, "%.1f us", nanoseconds / 1e3);
  } else if (nanoseconds < 1e9) {
    print(out, "%.2f ms", nanoseconds / 1e6);
  } else {
    print(out, "%.2f s", nanoseconds / 1e9);
  }
  return out;
}

std::string bytes_text(uint64_t bytes) { return number_text(static_cast<double>(bytes)) + "B"; }

std::string work_text(const Work& work) {
  if (work.shape == Shape::kCycle) return "cycle";
  if (work.shape == Shape::kTake) return "dequeue";
  if (work.shape == Shape::kDrain) return "drain";
  std::string text;
  for (const Share& share : work.mix) {
    if (!text.empty()) text += ',';
    text += kVerbNames[static_cast<size_t>(share.verb)];
    if (work.mix.size() > 1) text += ':' + std::to_string(share.weight);
  }
  return text;
}

void histogram_text(std::string& out, const std::string& name, const Histogram& spread) {
  print(out, "%-9s %10llu  mean %s", name.c_str(), static_cast<unsigned long long>(spread.count()),
        span_text(spread.mean()).c_str());
  for (const Point& point : kPoints) {
    const auto value = static_cast<double>(spread.at(point.share));
    print(out, "  %s %s", point.name, span_text(value).c_str());
  }
  print(out, "  max %s\n", span_text(static_cast<double>(spread.most())).c_str());
}

json::object histogram_json(const Histogram& spread) {
  json::object out{
      {"count", spread.count()}, {"mean", us(spread.mean())}, {"min", us(spread.least())}};
  for (const Point& point : kPoints) out[point.name] = us(spread.at(point.share));
  out["max"] = us(spread.most());
  return out;
}

double per(double amount, uint64_t operations) {
  return operations == 0 ? 0 : amount / static_cast<double>(operations);
}

void server_text(std::string& out, const ProcessUse& use, uint64_t operations) {
  const double cpu = use.user_s + use.system_s;
  print(out, "server: %.2f s CPU (%.2f user, %.2f system), %.3f us an operation; resident %s", cpu,
        use.user_s, use.system_s, per(cpu * 1e6, operations),
        bytes_text(use.resident_bytes).c_str());
  print(out, ", at most %s", bytes_text(use.peak_bytes).c_str());
  if (use.written_bytes) {
    print(out, "; written %s, %.1f bytes an operation", bytes_text(*use.written_bytes).c_str(),
          per(static_cast<double>(*use.written_bytes), operations));
  }
  out += '\n';
}

json::object server_json(const ProcessUse& use, uint64_t operations) {
  const double cpu = use.user_s + use.system_s;
  json::object out{{"cpu_s", cpu},
                   {"user_s", use.user_s},
                   {"system_s", use.system_s},
                   {"cpu_us_per_operation", per(cpu * 1e6, operations)},
                   {"resident_bytes", use.resident_bytes},
                   {"peak_bytes", use.peak_bytes},
                   {"written_bytes", nullptr}};
  if (use.written_bytes) out["written_bytes"] = *use.written_bytes;
  return out;
}

void precision_text(std::string& out, const Precision& one) {
  print(out,
        "limit: %llu let pass over %llu keys, %s a second beyond the bursts: %.3f of the limit\n",
        static_cast<unsigned long long>(one.admitted), static_cast<unsigned long long>(one.keys),
        number_text(one.per_second).c_str(), one.of_limit);
  print(out, "  largest excess over any interval: %.3f units seen, %.3f certain\n", one.excess_seen,
        one.excess_certain);
  if (one.lateness.count() > 0) histogram_text(out, "  late", one.lateness);
}

json::object precision_json(const Precision& one, const Law& law) {
  return {{"count", law.count},
          {"period_ns", law.period.count()},
          {"burst", law.burst},
          {"keys", one.keys},
          {"admitted", one.admitted},
          {"per_second", one.per_second},
          {"of_limit", one.of_limit},
          {"excess_seen", one.excess_seen},
          {"excess_certain", one.excess_certain},
          {"lateness_us", histogram_json(one.lateness)}};
}

json::object settings_json(const Options& options) {
  static constexpr std::string_view kLike[] = {"one", "turn", "uniform", "zipf"};
  const Work& work = options.work;
  json::object out{{"target", options.to.text()},
                   {"talk", kWireNames[static_cast<size_t>(work.wire)]},
                   {"work", work_text(work)},
                   {"loop", options.rate > 0 ? "open" : "closed"},
                   {"rate", options.rate},
                   {"connections", options.connections},
                   {"threads", options.threads},
                   {"pipeline", work.pipeline},
                   {"keys", work.keys.count},
                   {"keys_like", kLike[static_cast<size_t>(work.keys.like)]},
                   {"body_bytes", work.spelling.body_bytes},
                   {"queues", work.spelling.queues},
                   {"wait_ms", work.wait_ms},
                   {"durability", nullptr},
                   {"warm_up_s", static_cast<double>(options.warm_up.count()) / 1e9}};
  if (work.keys.like == KeysLike::kZipf) out["zipf_exponent"] = work.keys.exponent;
  if (work.durability) out["durability"] = kDurabilityNames[static_cast<size_t>(*work.durability)];
  return out;
}

double rate_of(const Outcome& outcome) {
  if (outcome.seconds <= 0) return 0;
  return static_cast<double>(outcome.tally.operations) / outcome.seconds;
}

}  // namespace

std::string number_text(double value) {
  std::string out;
  if (value >= 1e9) {
    print(out, "%.2f G", value / 1e9);
  } else if (value >= 1e6) {
    print(out, "%.2f M", value / 1e6);
  } else if (value >= 1e4) {
    print(out, "%.1f k", value / 1e3);
  } else {
    print(out, value >= 100 ? "%.0f " : "%.2f ", value);
  }
  return out;
}

std::string report_text(const Options& options, const Outcome& outcome) {
  const Tally& tally = outcome.tally;
  const Work& work = options.work;
  std::string out = work_text(work) + " over " +
                    std::string(kWireNames[static_cast<size_t>(work.wire)]) + " to " +
                    options.to.text();
  print(out, ", %u connections, pipeline %zu, %s loop\n", options.connections, work.pipeline,
        options.rate > 0 ? "open" : "closed");
  print(out, "%llu operations in %.2f s: %sa second; %llu refused, %llu empty, %llu errors\n",
        static_cast<unsigned long long>(tally.operations), outcome.seconds,
        number_text(rate_of(outcome)).c_str(), static_cast<unsigned long long>(tally.refused),
        static_cast<unsigned long long>(tally.empty),
        static_cast<unsigned long long>(tally.errors));
  for (size_t i = 0; i < kVerbs; ++i) {
    if (const Histogram* one = tally.of(static_cast<Verb>(i)))
      histogram_text(out, std::string(kVerbNames[i]), *one);
  }
  if (outcome.precision) precision_text(out, *outcome.precision);
  if (outcome.server) server_text(out, *outcome.server, tally.operations);
  print(out, "client: %.2f s CPU, %.3f us an operation\n", outcome.client_cpu_s,
        per(outcome.client_cpu_s * 1e6, tally.operations));
  for (const auto& [kind, times] : tally.error_kinds)
    out += "error, " + std::to_string(times) + " times: " + kind + '\n';
  if (tally.lost > 0)
    print(out, "connections lost: %llu\n", static_cast<unsigned long long>(tally.lost));
  if (outcome.interrupted) out += "interrupted\n";
  return out;
}

std::string report_json(const Options& options, const Outcome& outcome) {
  const Tally& tally = outcome.tally;
  json::object verbs, kinds;
  for (size_t i = 0; i < kVerbs; ++i) {
    if (const Histogram* one = tally.of(static_cast<Verb>(i)))
      verbs[kVerbNames[i]] = histogram_json(*one);
  }
  for (const auto& [kind, times] : tally.error_kinds) kinds[kind] = times;
  json::object out{
      {"version", base::version()},
      {"settings", settings_json(options)},
      {"operations", tally.operations},
      {"seconds", outcome.seconds},
      {"rate", rate_of(outcome)},
      {"refused", tally.refused},
      {"empty", tally.empty},
      {"errors", tally.errors},
      {"error_kinds", std::move(kinds)},
      {"unanswered", tally.unanswered},
      {"connections_lost", tally.lost},
      {"interrupted", outcome.interrupted},
      {"latency_us", histogram_json(tally.all())},
      {"verbs", std::move(verbs)},
      {"client_cpu_us_per_operation", per(outcome.client_cpu_s * 1e6, tally.operations)}};
  if (outcome.server) out["server"] = server_json(*outcome.server, tally.operations);
  if (outcome.precision) out["precision"] = precision_json(*outcome.precision, *options.law);
  return json::serialize(out);
}

}  // namespace load

#include <cmath>
#include <cstdio>

#include "base/version.h"
#include "load/report.h"
#include "protocol/json_text.h"

namespace load {
namespace {

// A JSON object that is being written, member by member.
class Members {
 public:
  Members& raw(std::string_view name, std::string_view value) {
    text_ += text_.empty() ? '{' : ',';
    protocol::append_quoted(text_, name, protocol::BadUtf8::kReplace);
    text_ += ':';
    text_ += value;
    return *this;
  }
  Members& text(std::string_view name, std::string_view value) {
    std::string quoted;
    protocol::append_quoted(quoted, value, protocol::BadUtf8::kReplace);
    return raw(name, quoted);
  }
  Members& whole(std::string_view name, uint64_t value) { return raw(name, std::to_string(value)); }
  Members& number(std::string_view name, double value) {  // To the thousandth.
    char digits[64];
    std::snprintf(digits, sizeof digits, "%.3f", std::isfinite(value) ? value : 0.0);
    return raw(name, digits);
  }
  Members& truth(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  std::string whole_text() const { return text_.empty() ? "{}" : text_ + '}'; }

 private:
  std::string text_;
};

double us(int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

std::string histogram_json(const Histogram& spread) {
  Members out;
  out.whole("count", spread.count()).number("mean", spread.mean() / 1e3);
  out.number("min", us(spread.least()));
  for (const Quantile& point : kQuantiles) out.number(point.name, us(spread.at(point.share)));
  return out.number("max", us(spread.most())).whole_text();
}

std::string server_json(const ProcessUse& use, uint64_t operations) {
  const double cpu = use.user_s + use.system_s;
  Members out;
  out.number("cpu_s", cpu).number("user_s", use.user_s).number("system_s", use.system_s);
  out.number("cpu_us_per_operation", per(cpu * 1e6, operations));
  out.whole("resident_bytes", use.resident_bytes).whole("peak_bytes", use.peak_bytes);
  if (!use.written_bytes) return out.raw("written_bytes", "null").whole_text();
  return out.whole("written_bytes", *use.written_bytes).whole_text();
}

std::string precision_json(const Precision& one, const Law& law) {
  Members out;
  out.whole("count", law.count).whole("period_ns", static_cast<uint64_t>(law.period.count()));
  out.whole("burst", law.burst).whole("keys", one.keys).whole("admitted", one.admitted);
  out.number("per_second", one.per_second).number("of_limit", one.of_limit);
  out.number("excess_seen", one.excess_seen).number("excess_certain", one.excess_certain);
  return out.raw("lateness_us", histogram_json(one.lateness)).whole_text();
}

std::string settings_json(const Options& options) {
  static constexpr std::string_view kLike[] = {"one", "turn", "uniform", "zipf"};
  const Work& work = options.work;
  Members out;
  out.text("target", options.to.text());
  out.text("talk", kWireNames[static_cast<size_t>(work.wire)]).text("work", work_text(work));
  out.text("loop", options.rate > 0 ? "open" : "closed").whole("rate", options.rate);
  out.whole("connections", options.connections).whole("threads", options.threads);
  out.whole("pipeline", work.pipeline).whole("keys", work.keys.count);
  out.text("keys_like", kLike[static_cast<size_t>(work.keys.like)]);
  if (work.keys.like == KeysLike::kZipf) out.number("zipf_exponent", work.keys.exponent);
  out.whole("body_bytes", work.spelling.body_bytes).whole("queues", work.spelling.queues);
  out.whole("wait_ms", static_cast<uint64_t>(work.wait_ms));
  if (work.durability)
    out.text("durability", kDurabilityNames[static_cast<size_t>(*work.durability)]);
  out.number("warm_up_s", static_cast<double>(options.warm_up.count()) / 1e9);
  return out.whole_text();
}

std::string verbs_json(const Tally& tally) {
  Members out;
  for (size_t i = 0; i < kVerbs; ++i) {
    if (const Histogram* one = tally.of(static_cast<Verb>(i)))
      out.raw(kVerbNames[i], histogram_json(*one));
  }
  return out.whole_text();
}

}  // namespace

std::string report_json(const Options& options, const Outcome& outcome) {
  const Tally& tally = outcome.tally;
  Members kinds, out;
  for (const auto& [kind, times] : tally.error_kinds) kinds.whole(kind, times);
  out.text("version", base::version()).raw("settings", settings_json(options));
  out.whole("operations", tally.operations).number("seconds", outcome.seconds);
  out.number("rate", rate_of(outcome));
  out.whole("refused", tally.refused).whole("empty", tally.empty).whole("errors", tally.errors);
  out.raw("error_kinds", kinds.whole_text()).whole("unanswered", tally.unanswered);
  out.whole("connections_lost", tally.lost).truth("interrupted", outcome.interrupted);
  out.raw("latency_us", histogram_json(tally.all())).raw("verbs", verbs_json(tally));
  out.number("client_cpu_us_per_operation", per(outcome.client_cpu_s * 1e6, tally.operations));
  if (outcome.server) out.raw("server", server_json(*outcome.server, tally.operations));
  if (outcome.precision) out.raw("precision", precision_json(*outcome.precision, *options.law));
  return out.whole_text();
}

}  // namespace load

#include "load/report.h"

#include <cstdarg>
#include <cstdio>

namespace load {
namespace {

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

std::string bytes_text(uint64_t bytes) {
  const std::string text = number_text(static_cast<double>(bytes));
  return text + (text.back() > '9' ? "B" : " B");
}

void histogram_text(std::string& out, const std::string& name, const Histogram& spread) {
  print(out, "%-9s %10llu  mean %s", name.c_str(), static_cast<unsigned long long>(spread.count()),
        span_text(spread.mean()).c_str());
  for (const Quantile& point : kQuantiles) {
    const auto value = static_cast<double>(spread.at(point.share));
    print(out, "  %s %s", point.name, span_text(value).c_str());
  }
  print(out, "  max %s\n", span_text(static_cast<double>(spread.most())).c_str());
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

void precision_text(std::string& out, const Precision& one) {
  print(out,
        "limit: %llu let pass over %llu keys, %s a second beyond the bursts: %.3f of the limit\n",
        static_cast<unsigned long long>(one.admitted), static_cast<unsigned long long>(one.keys),
        number_text(one.per_second).c_str(), one.of_limit);
  print(out, "  largest excess over any interval: %.3f units seen, %.3f certain\n", one.excess_seen,
        one.excess_certain);
  if (one.lateness.count() > 0) histogram_text(out, "  late", one.lateness);
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
    print(out, value >= 100 ? "%.0f" : "%.2f", value);
  }
  return out;
}

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

double rate_of(const Outcome& outcome) {
  if (outcome.seconds <= 0) return 0;
  return static_cast<double>(outcome.tally.operations) / outcome.seconds;
}

std::string report_text(const Options& options, const Outcome& outcome) {
  const Tally& tally = outcome.tally;
  const Work& work = options.work;
  std::string out = work_text(work) + " over " +
                    std::string(kWireNames[static_cast<size_t>(work.wire)]) + " to " +
                    options.to.text();
  print(out, ", %u connections, pipeline %zu, %s loop\n", options.connections, work.pipeline,
        options.rate > 0 ? "open" : "closed");
  print(out, "%llu operations in %.2f s: %s a second; %llu refused, %llu empty, %llu errors\n",
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

}  // namespace load

#include "metric/families.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace metric {

struct Families::Shown {
  std::vector<prometheus::MetricFamily> families;

  prometheus::ClientMetric& sample(std::string_view name, std::string_view help, Labels labels,
                                   prometheus::MetricType type) {
    auto family = std::ranges::find(families, name, &prometheus::MetricFamily::name);
    if (family == families.end()) {
      families.push_back({std::string(name), std::string(help), type, {}});
      family = families.end() - 1;
    }
    CHECK(family->type == type);
    prometheus::ClientMetric& sample = family->metric.emplace_back();
    for (auto& [key, value] : labels) sample.label.push_back({std::move(key), std::move(value)});
    return sample;
  }
};

Families::Families() : shown_(std::make_unique<Shown>()) {}
Families::~Families() = default;

void Families::counter(std::string_view name, std::string_view help, Labels labels,
                       uint64_t value) {
  shown_->sample(name, help, std::move(labels), prometheus::MetricType::Counter).counter.value =
      static_cast<double>(value);
}

void Families::counter_seconds(std::string_view name, std::string_view help, Labels labels,
                               base::Duration value) {
  shown_->sample(name, help, std::move(labels), prometheus::MetricType::Counter).counter.value =
      std::chrono::duration<double>(value).count();
}

void Families::gauge(std::string_view name, std::string_view help, Labels labels, double value) {
  shown_->sample(name, help, std::move(labels), prometheus::MetricType::Gauge).gauge.value = value;
}

void Families::histogram(std::string_view name, std::string_view help, Labels labels,
                         const Histogram& histogram, double unit) {
  constexpr std::array<int64_t, 3> kSteps = {10, 25, 50};  // Tenths.
  constexpr unsigned kBounds = 22;
  auto& sample = shown_->sample(name, help, std::move(labels), prometheus::MetricType::Histogram);
  const Histogram::Snapshot shot = histogram.snapshot();
  int64_t decade = unit == 1e9 ? 1000 : 1;
  for (unsigned i = 0; i < kBounds; ++i) {
    const int64_t tenths = decade * kSteps[i % kSteps.size()];
    sample.histogram.bucket.push_back(
        {shot.at_most(tenths / 10), static_cast<double>(tenths) / (10 * unit)});
    if (i % kSteps.size() == kSteps.size() - 1) decade *= 10;
  }
  sample.histogram.bucket.push_back({shot.count, std::numeric_limits<double>::infinity()});
  sample.histogram.sample_count = shot.count;
  sample.histogram.sample_sum = static_cast<double>(shot.sum) / unit;
}

std::string Families::text() const {
  return prometheus::TextSerializer().Serialize(shown_->families);
}

}  // namespace metric

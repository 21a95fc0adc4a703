#include "command/queue_change.h"

#include <algorithm>

#include "command/queue_option.h"
#include "command/words.h"

namespace command {

void QueueChange::add(std::string_view option, std::string_view value) {
  values_.emplace_back(option, value);
}

void QueueChange::forget_weights() { forget_weights_ = true; }

base::Status QueueChange::apply(queue::Settings& settings) const {
  if (forget_weights_) settings.weights.clear();
  for (const auto& [option, value] : values_) {
    const base::Status status = set_queue_option(option, value, settings);
    if (!status) return status;
  }
  return {};
}

base::Status QueueChange::check() const {
  for (size_t i = 1; i < values_.size(); ++i) {
    const auto before = std::span(values_).first(i);
    const std::string& option = values_[i].first;
    const auto same = [&option](const auto& other) { return other.first == option; };
    if (std::ranges::any_of(before, same)) {
      return base::invalid("option '" + shown(option) + "' is given twice", option);
    }
  }
  queue::Settings scratch;
  return apply(scratch);
}

base::Status QueueChange::operator()(queue::Settings& settings) const {
  queue::Settings changed = settings;
  const base::Status status = apply(changed);
  if (status) settings = std::move(changed);
  return status;
}

std::function<base::Status(queue::Settings&)> pause_change(PauseTerms terms) {
  return [terms](queue::Settings& settings) -> base::Status {
    if (terms.in) settings.paused_in = terms.paused;
    if (terms.out) settings.paused_out = terms.paused;
    return {};
  };
}

std::string lower_case_option(std::string_view name) {
  constexpr size_t kPrefix = 8;  // "weights."
  const bool weight = name.size() > kPrefix && same_word(name.substr(0, kPrefix), "WEIGHTS.");
  if (!weight) return lower_case(name);
  return lower_case(name.substr(0, kPrefix)) + std::string(name.substr(kPrefix));
}

base::Result<std::optional<limit::Rate>> redrive_rate(std::string_view field,
                                                      std::string_view spec) {
  const base::Result<limit::RateText> read = limit::parse_rate(spec);
  if (!read || read->burst || read->calendar_only || read->rate.count < 1) {
    return base::invalid(std::string(field) + " must be a rate as 10/s, not '" + shown(spec) + "'",
                         std::string(field));
  }
  return std::optional<limit::Rate>(read->rate);
}

}  // namespace command

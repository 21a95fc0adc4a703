#include "load/tally.h"

namespace load {
namespace {

constexpr size_t kTextMax = 120;
const std::string kOthers = "others";

// As it is told to people: without what differs from answer to answer, digits above all.
std::string kind_of(std::string_view text) {
  std::string kind;
  for (const char c : text.substr(0, kTextMax)) {
    const bool digit = c >= '0' && c <= '9';
    if (digit && kind.ends_with('0')) continue;
    kind += digit ? '0' : c < ' ' ? ' ' : c;
  }
  return kind;
}

}  // namespace

void Tally::error(std::string_view text, uint64_t times) {
  errors += times;
  std::string kind = kind_of(text);
  if (!error_kinds.contains(kind) && error_kinds.size() >= kErrorsMax) kind = kOthers;
  error_kinds[kind] += times;
}

void Tally::merge(const Tally& other) {
  for (size_t i = 0; i < kVerbs; ++i) {
    if (other.histograms_[i] == nullptr) continue;
    make(static_cast<Verb>(i));
    histograms_[i]->merge(*other.histograms_[i]);
  }
  operations += other.operations;
  errors += other.errors;
  refused += other.refused;
  empty += other.empty;
  unanswered += other.unanswered;
  lost += other.lost;
  for (const auto& [kind, count] : other.error_kinds) error_kinds[kind] += count;
  last = std::max(last, other.last);
  let_pass.insert(let_pass.end(), other.let_pass.begin(), other.let_pass.end());
  in_vain.insert(in_vain.end(), other.in_vain.begin(), other.in_vain.end());
}

Histogram Tally::all() const {
  Histogram all;
  for (const auto& each : histograms_) {
    if (each != nullptr) all.merge(*each);
  }
  return all;
}

void Tally::make(Verb verb) {
  auto& histogram = histograms_[static_cast<size_t>(verb)];
  if (histogram == nullptr) histogram = std::make_unique<Histogram>();
}

}  // namespace load

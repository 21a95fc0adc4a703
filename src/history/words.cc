#include "history/words.h"

#include <limits>
#include <utility>

#include "base/number.h"
#include "history/reader.h"

namespace history {
namespace {

std::vector<Name> split(std::string_view list) {
  std::vector<Name> names;
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    names.push_back(name_of(list.substr(0, end)));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return names;
}

}  // namespace

std::string_view Words::next() {
  const size_t end = std::min(rest_.find(' '), rest_.size());
  const std::string_view word = rest_.substr(0, end);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  if (word.empty()) fail("a word is missing");
  return word;
}

int64_t Words::number(std::string_view word) {
  const auto value = base::parse_integer(word);
  if (value && *value >= 0 && *value < kNever) return *value;
  fail("'" + std::string(word) + "' is no number of at least 0");
  return 0;
}

Instant Words::instant() { return number(next()); }

Span Words::span() {
  const Instant from = instant();
  const Instant to = instant();
  if (to < from) fail("it ended before it began");
  return {from, to};
}

Outcome Words::outcome() {
  const std::string_view word = next();
  if (word == "ok") return Outcome::kOk;
  if (word == "fail") return Outcome::kFail;
  if (word != "info") fail("an outcome is ok, fail or info");
  return Outcome::kInfo;
}

Name Words::name() { return name_of(next()); }

std::vector<Name> Words::names() { return split(next()); }

bool Words::option() {
  if (rest_.empty()) return false;
  const std::string_view word = next();
  const size_t equals = word.find('=');
  if (equals == std::string_view::npos) {
    fail("'" + std::string(word) + "' is not name=value");
    return false;
  }
  name_ = word.substr(0, equals);
  value_ = word.substr(equals + 1);
  return true;
}

Name Words::text() const { return value_.empty() ? 0 : name_of(value_); }

std::vector<Name> Words::texts() const { return split(value_); }

int64_t Words::integer() { return number(value_); }

uint32_t Words::small() {
  const int64_t value = integer();
  if (value <= std::numeric_limits<uint32_t>::max()) return static_cast<uint32_t>(value);
  fail(std::string(name_) + " is too large");
  return 0;
}

int64_t Words::milliseconds() {
  const int64_t value = integer();
  if (value < kNever / kMillisecond) return value * kMillisecond;
  fail(std::string(name_) + " is too large");
  return 0;
}

std::tuple<int64_t, int64_t> Words::rate() {
  const size_t slash = value_.find('/');
  if (slash == std::string_view::npos) {
    fail("a rate is N/NANOSECONDS");
    return {0, 1};
  }
  const int64_t count = number(value_.substr(0, slash));
  const int64_t period = number(value_.substr(slash + 1));
  if (count == 0 || period == 0) fail("a rate is above 0");
  return {count, period};
}

void Words::fail(std::string what) {
  if (fault_.empty()) fault_ = std::move(what);
}

base::Status Words::status() const {
  if (!fault_.empty()) return base::invalid(fault_);
  if (!rest_.empty()) return base::invalid("words behind the end: '" + std::string(rest_) + "'");
  return {};
}

}  // namespace history

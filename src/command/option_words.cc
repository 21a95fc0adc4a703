#include "command/option_words.h"

#include <algorithm>

#include "base/check.h"

namespace command {

bool OptionWords::next() { return !error_ && at_ < words_.size(); }

bool OptionWords::is(std::string_view name) {
  const std::string_view word = words_[at_];
  if (word.size() != name.size() || !same_word(word, name)) return false;
  name_ = name;
  ++at_;
  return true;
}

bool OptionWords::first() {
  const auto seen = std::span(seen_).first(seen_size_);
  if (std::ranges::find(seen, name_) != seen.end()) {
    fail(base::invalid("option '" + std::string(name_) + "' is given twice", std::string(name_)));
    return false;
  }
  CHECK(seen_size_ < seen_.size());
  seen_[seen_size_++] = name_;
  return true;
}

std::optional<std::string_view> OptionWords::value() {
  if (at_ < words_.size()) return words_[at_++];
  fail(base::invalid(std::string(name_) + " needs a value", std::string(name_)));
  return std::nullopt;
}

std::optional<int64_t> OptionWords::number(Between bounds) {
  if (!first()) return std::nullopt;
  const auto word = value();
  if (!word) return std::nullopt;
  const base::Result<int64_t> number = parse_number(name_, *word, bounds);
  if (number) return *number;
  fail(number.error());
  return std::nullopt;
}

void OptionWords::text(size_t bytes_max, std::optional<std::string_view>& into) {
  if (!first()) return;
  const auto word = value();
  if (!word) return;
  if (word->size() > bytes_max) {
    return fail(base::invalid(std::string(name_) + " has " + std::to_string(word->size()) +
                                  " bytes; at most " + std::to_string(bytes_max),
                              std::string(name_)));
  }
  into = *word;
}

void OptionWords::flag(bool& into) {
  if (first()) into = true;
}

void OptionWords::unknown() {
  fail(base::invalid("unknown option '" + shown(words_[at_]) + "'", "option"));
}

void OptionWords::fail(base::Error error) {
  if (!error_) error_ = std::move(error);
}

base::Status OptionWords::status() const {
  if (error_) return *error_;
  return {};
}

}  // namespace command

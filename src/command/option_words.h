// Options behind a verb's fixed words: NAME value, each at most once. The first error stays, and
// names the option.
//
//   OptionWords options(call.words(), 2);
//   while (options.next()) {
//     if (options.is("COUNT")) options.number({1, 1000}, count);
//     else options.unknown();
//   }
//   if (!options.status()) …
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "command/words.h"

namespace command {

class OptionWords {
 public:
  OptionWords(std::span<const std::string_view> words, size_t at) : words_(words), at_(at) {}

  bool next();  // To the next option; false: there is none, or something was wrong.
  bool is(std::string_view name);  // The present one? Then what follows reads its value.

  template <typename T>
  void number(Between bounds, std::optional<T>& into) {
    if (const auto value = number(bounds)) into = static_cast<T>(*value);
  }
  void span(Between ms, std::optional<base::Duration>& into) {
    if (const auto value = number(ms)) into = std::chrono::milliseconds(*value);
  }
  void text(size_t bytes_max, std::optional<std::string_view>& into);
  void flag(bool& into);
  std::optional<std::string_view> value();  // Of an option that may be given again; nothing: error.
  void unknown();
  void fail(base::Error error);

  base::Status status() const;

 private:
  std::optional<int64_t> number(Between bounds);
  bool first();

  std::span<const std::string_view> words_;
  size_t at_;
  std::string_view name_;
  std::array<std::string_view, 12> seen_;
  size_t seen_size_ = 0;
  std::optional<base::Error> error_;
};

}  // namespace command

// The words of a request to what they mean. Errors name the word at fault.
#pragma once
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "limiter/limiter.h"

namespace command {

// "tenant=acme,path=/x": `%XX` spells any byte; a key ends at the first `=`, so a value may have
// more of them. A key is not empty, a value may be. Views point into `word`, or where something had
// to be decoded, into `keep`, which also holds the entries.
base::Result<limiter::Descriptor> parse_descriptor(std::string_view word,
                                                   std::pmr::memory_resource& keep);

// Error: "NAME must be an integer between MIN and MAX", of the field NAME.
struct Between {
  int64_t min, max;
};
base::Result<int64_t> parse_number(std::string_view name, std::string_view word, Between bounds);

bool same_word(std::string_view word, std::string_view upper_case);  // Case-insensitive.
std::string lower_case(std::string_view upper_case);

// A word of a caller's as an error text may show it: cut to 64 bytes, on a whole UTF-8 character.
std::string shown(std::string_view word);

// domain descriptor… and options, behind the verb.
struct AskWords {
  std::string_view domain;
  std::span<const limiter::Descriptor> descriptors;
  std::optional<int64_t> cost;
  std::optional<base::Duration> ttl;
  std::optional<base::Duration> wait;
  bool dry_run = false;

  limiter::Ask ask() const {
    return {
        .domain = domain, .descriptors = descriptors, .cost = cost.value_or(1), .dry_run = dry_run};
  }
};

enum AskOption : uint8_t { kCost = 1, kTtl = 2, kDryRun = 4, kWait = 8, kNoOptions = 0 };

inline constexpr int64_t kTtlMsMax = 12 * 3'600'000;  // limiter::LimiterOptions::ttl_max.
inline constexpr int64_t kCheckWaitMsMax = 5 * 60'000;
inline constexpr int64_t kBlockMsMax = 365 * 86'400'000LL;

// REQUIRES: words hold the verb and at least one more. `options` are those that the verb takes;
// `required` (a part of them) those it cannot do without.
struct AskForm {
  uint8_t options = kNoOptions;
  uint8_t required = kNoOptions;
};
base::Result<AskWords> parse_ask(std::span<const std::string_view> words, AskForm form,
                                 std::pmr::memory_resource& keep);

}  // namespace command

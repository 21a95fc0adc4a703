// For tests and fuzz targets: a whole conversation of a parser, in pieces, as one text.
#pragma once
#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "protocol/request.h"

namespace protocol {

// Words with their lengths, so that no two lists look the same.
inline std::string shown(const auto& words) {
  std::string text;
  for (const auto& word : words) {
    text += std::to_string(std::size(word)) + ":" + std::string(word) + ",";
  }
  return text;
}

inline std::string as_resp(const auto& words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const auto& word : words) {
    text += "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
  }
  return text;
}

// Feeds `input` in pieces of the sizes `cuts` (over and over) and writes down what is found:
// [words] (refusal) !broken!. Each step gets its own copy of the bytes, which ends where they end.
// CHECKs that a parser never asks for more bytes than its bounds allow.
inline std::string converse(const Bounds& bounds, std::string_view input,
                            const std::vector<size_t>& cuts) {
  constexpr size_t kFraming = 32;  // A header behind the last byte that counts; CR and LF.
  const size_t kept_max =
      std::max(bounds.line_bytes_max + 1, bounds.request_bytes_max() + kFraming);
  Parser parser(bounds);
  std::string transcript;
  std::string kept;
  for (size_t cut = 0; !input.empty(); ++cut) {
    const size_t size = std::clamp<size_t>(cuts[cut % cuts.size()], 1, input.size());
    kept += input.substr(0, size);
    input.remove_prefix(size);
    for (;;) {
      const std::vector<char> exact(kept.begin(), kept.end());
      const Parsed parsed = parser.step({exact.data(), exact.size()});
      CHECK(parser.consumed() <= kept.size());
      if (parsed == Parsed::kRequest) transcript += "[" + shown(parser.words()) + "]";
      if (parsed == Parsed::kRefused) transcript += "(" + std::string(parser.refusal()) + ")";
      if (parsed == Parsed::kBroken) return transcript + "!" + std::string(parser.refusal()) + "!";
      CHECK(parsed == Parsed::kMore || parser.consumed() > 0);
      kept.erase(0, parser.consumed());
      if (parsed == Parsed::kMore) break;
    }
    CHECK(kept.size() <= kept_max);
  }
  return transcript;
}

}  // namespace protocol

// One call on its way, from send() to its end.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "redis/reply.h"

namespace redis {

struct Call {
  std::string bytes;  // The command in RESP: kept, for it may have to be sent to another node.
  std::function<void(base::Result<Reply>&&)> done;
  base::Duration since{}, until{};  // Sent at, and its deadline, by the monotonic clock.
  std::optional<uint16_t> slot{};
  std::shared_ptr<const std::string> script{};  // Calls in flight share the text with its Script.
  const std::string* loading = nullptr;  // The script whose text it brings; only to be compared.
  uint8_t hops = 0;                      // How often it was sent once more.
  bool asking = false;                   // ASKING goes before it.
  bool ours = false;                     // The client's own: not counted.
};
using CallPtr = std::unique_ptr<Call>;

constexpr uint8_t kHopsMax = 5;

inline void append_word(std::string& out, std::string_view word) {
  out += '$';
  out += std::to_string(word.size());
  out += "\r\n";
  out += word;
  out += "\r\n";
}

inline std::string command_of(std::span<const std::string_view> words) {
  size_t size = 16;
  for (const std::string_view word : words) size += word.size() + 16;
  std::string out;
  out.reserve(size);
  out += '*';
  out += std::to_string(words.size());
  out += "\r\n";
  for (const std::string_view word : words) append_word(out, word);
  return out;
}

inline std::string command_of(std::initializer_list<std::string_view> words) {
  return command_of(std::span(words.begin(), words.size()));
}

}  // namespace redis

// YAML as --print-config writes it: text that reads back as the same text.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace config {

std::string scalar(std::string_view text);  // Also inside { } and [ ].
std::string flow_list(const std::vector<std::string>& items);

// One `{key: value, …}`.
class FlowMap {
 public:
  void add(std::string_view key, std::string_view value) { put(key, scalar(value)); }
  void add(std::string_view key, int64_t value) { put(key, std::to_string(value)); }
  void add_truth(std::string_view key, bool value) { put(key, value ? "true" : "false"); }
  void put(std::string_view key, const std::string& value) {
    text_ += (text_.empty() ? "" : ", ") + scalar(key) + ": " + value;
  }
  std::string text() const { return "{" + text_ + "}"; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace config

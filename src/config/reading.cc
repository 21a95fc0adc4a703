#include "config/reading.h"

#include <algorithm>

#include "config/value.h"

namespace config {

bool Reading::is_map(const yaml::Node& node, std::string_view name) {
  if (node.is_map() || node.is_null()) return true;
  fail(node, std::string(name) + " must be a map, not " + std::string(kind_name(node)));
  return false;
}

std::span<const yaml::Node> Reading::items(const yaml::Node& node, std::string_view name) {
  if (node.is_list()) return node.items;
  if (!node.is_null()) {
    fail(node, std::string(name) + " must be a list, not " + std::string(kind_name(node)));
  }
  return {};
}

void Reading::keys(const yaml::Node& map, std::span<const std::string_view> known) {
  for (const auto& [key, value] : map.entries) {
    if (yaml::meaning(key) != yaml::Meaning::kText) {
      fail(key, "config error, key is not of type string: " + shown(key.text));
    } else if (std::ranges::find(known, key.text) == known.end()) {
      fail(key,
           "config error, unknown key '" + shown(key.text) + "'" + suggestion(key.text, known));
    }
  }
}

std::optional<std::string> Reading::text(const yaml::Node& map, std::string_view name) {
  const yaml::Node* node = map.find(name);
  if (node == nullptr || node->is_null()) return std::nullopt;
  if (!node->is_text()) {
    fail(*node, std::string(name) + " must be text, not " + std::string(kind_name(*node)));
    return std::nullopt;
  }
  if (yaml::meaning(*node) == yaml::Meaning::kFloat) {
    fail(*node, "error checking config: " + std::string(name) + " must be text, so put " +
                    shown(node->text) + " in quotes");
  }
  return node->text;
}

std::optional<bool> Reading::truth(const yaml::Node& map, std::string_view name) {
  const yaml::Node* node = map.find(name);
  if (node == nullptr || node->is_null()) return std::nullopt;
  if (yaml::meaning(*node) != yaml::Meaning::kTruth) {
    fail(*node, std::string(name) + " must be true or false");
    return std::nullopt;
  }
  // true, yes and on, in the spellings that meaning() knows.
  const char first = node->text[0];
  const char second = node->text[1];
  return first == 't' || first == 'T' || first == 'y' || first == 'Y' ||
         ((first == 'o' || first == 'O') && (second == 'n' || second == 'N'));
}

std::optional<int64_t> Reading::integer(const yaml::Node& map, std::string_view name,
                                        int64_t most) {
  const yaml::Node* node = map.find(name);
  if (node == nullptr || node->is_null()) return std::nullopt;
  if (yaml::meaning(*node) == yaml::Meaning::kFloat) {
    fail(*node, "error checking config: " + std::string(name) + " must be an integer, not " +
                    shown(node->text));
    return std::nullopt;
  }
  const base::Result<int64_t> value =
      node->is_text() ? parse_count(node->text) : base::Result<int64_t>(base::invalid(""));
  if (!value || *value > most) {
    fail(*node, std::string(name) + " must be an integer between 0 and " + std::to_string(most) +
                    (node->is_text() ? ", not '" + shown(node->text) + "'" : std::string()));
    return std::nullopt;
  }
  return *value;
}

std::optional<base::Duration> Reading::span(const yaml::Node& map, std::string_view name) {
  const yaml::Node* node = map.find(name);
  if (node == nullptr) return std::nullopt;
  const base::Result<base::Duration> value = parse_span(node->text);
  if (!value) {
    fail(*node, std::string(name) + ": " + value.error().what);
    return std::nullopt;
  }
  return *value;
}

std::optional<size_t> Reading::word(const yaml::Node& map, std::string_view name,
                                    std::span<const std::string_view> words) {
  const yaml::Node* node = map.find(name);
  if (node == nullptr) return std::nullopt;
  const auto found = std::ranges::find(words, node->text);
  if (!node->is_text() || found == words.end()) {
    fail(*node, std::string(name) + ' ' + unknown_word(node->text, words).what);
    return std::nullopt;
  }
  return static_cast<size_t>(found - words.begin());
}

}  // namespace config

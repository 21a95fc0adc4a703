#include "config/flow_map.h"

#include <algorithm>

#include "config/yaml.h"

namespace config {
namespace {

bool safe(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '/' || c == '-' || c == ':' || c == '+';
}

bool needs_quotes(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, safe)) return true;
  if (text.ends_with(':') || text.starts_with('-') || text.starts_with(':')) return true;
  yaml::Node node;
  node.kind = yaml::Node::Kind::kText;
  node.plain = true;
  node.text = text;
  const yaml::Meaning meaning = yaml::meaning(node);
  return meaning != yaml::Meaning::kText && meaning != yaml::Meaning::kInteger;
}

}  // namespace

std::string scalar(std::string_view text) {
  if (!needs_quotes(text)) return std::string(text);
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string flow_list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) out += (out.size() > 1 ? ", " : "") + scalar(item);
  return out + "]";
}

}  // namespace config

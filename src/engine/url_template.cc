#include "engine/url_template.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "queue/settings.h"

namespace engine {
namespace {

constexpr std::string_view kHeaderPart = "header:";

bool same_but_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

bool begins_with(std::string_view text, std::string_view with) {
  return same_but_case(text.substr(0, with.size()), with);
}

std::string_view value_of(std::span<const Header> headers, std::string_view name) {
  for (const Header& each : headers) {
    if (same_but_case(each.name, name)) return each.value;
  }
  return {};
}

void append_encoded(std::string& to, std::string_view value) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        byte < 0x80 && (std::isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~');
    if (plain) {
      to += c;
    } else {
      to += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
}

base::Status check_text(std::string_view text) {
  for (const char c : text) {
    if (c == '}') return base::invalid("'}' without '{' in a URL");
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f || c == '\\')
      return base::invalid("a URL has neither spaces nor control bytes, '\\' or bytes over 126");
  }
  return {};
}

}  // namespace

base::Result<UrlTemplate::Part> UrlTemplate::part_of(std::string_view name) {
  if (name == "queue") return Part{From::kQueue, {}};
  if (name == "key") return Part{From::kKey, {}};
  if (name.starts_with(kHeaderPart) && name.size() > kHeaderPart.size())
    return Part{From::kHeader, std::string(name.substr(kHeaderPart.size()))};
  return base::invalid("a URL's template knows {queue}, {key} and {header:NAME}, not '{" +
                       std::string(name) + "}'");
}

base::Result<UrlTemplate> UrlTemplate::make(std::string_view text) {
  if (text.size() > queue::kPushUrlBytesMax) {
    return base::invalid("a URL has at most " + std::to_string(queue::kPushUrlBytesMax) +
                         " bytes, not " + std::to_string(text.size()));
  }
  if (!begins_with(text, "http://") && !begins_with(text, "https://") && !text.starts_with('{'))
    return base::invalid("a URL begins with http://, https:// or a part like {header:url}");
  UrlTemplate out;
  while (!text.empty()) {
    const size_t open = std::min(text.find('{'), text.size());
    if (open > 0) {
      if (const base::Status good = check_text(text.substr(0, open)); !good) return good.error();
      out.parts_.push_back({From::kText, std::string(text.substr(0, open))});
      text.remove_prefix(open);
      continue;
    }
    const size_t close = text.find('}');
    if (close == std::string_view::npos) return base::invalid("'{' without '}' in a URL");
    auto part = part_of(text.substr(1, close - 1));
    if (!part) return part.error();
    out.parts_.push_back(std::move(*part));
    text.remove_prefix(close + 1);
  }
  return out;
}

std::string UrlTemplate::render(std::string_view queue, std::string_view key,
                                std::span<const Header> headers) const {
  std::string out;
  for (const Part& part : parts_) {
    if (part.from == From::kText) {
      out += part.text;
      continue;
    }
    const std::string_view value = part.from == From::kQueue ? queue
                                   : part.from == From::kKey ? key
                                                             : value_of(headers, part.text);
    if (value.empty()) return {};
    if (&part == &parts_.front()) {
      out += value;
    } else {
      append_encoded(out, value);
    }
  }
  return out;
}

}  // namespace engine

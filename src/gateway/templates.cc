#include "gateway/templates.h"

#include <algorithm>
#include <optional>

#include "gateway/text.h"
#include "protocol/json_text.h"

namespace gateway {
namespace {

base::Error wrong(std::string_view text, const std::string& why) {
  return base::invalid("'" + std::string(text) + "' is no descriptor: " + why, "descriptors");
}

std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::optional<char> byte = text[i] == '%' ? hex_byte(text.substr(i + 1)) : std::nullopt;
    out += byte.value_or(text[i]);
    if (byte) i += 2;
  }
  return out;
}

}  // namespace

std::string& Rendering::text() {
  if (texts_used == texts.size()) texts.emplace_back();
  std::string& out = texts[texts_used++];
  out.clear();
  return out;
}

base::Result<DescriptorTemplate::Part> DescriptorTemplate::parse_placeholder(
    std::string_view name) {
  constexpr std::string_view kFieldPrefix = "header:";
  if (name == "client_ip") return Part{What::kClient, {}};
  if (name == "method") return Part{What::kMethod, {}};
  if (name == "path") return Part{What::kPath, {}};
  if (name == "host") return Part{What::kHost, {}};
  if (name.starts_with(kFieldPrefix) && name.size() > kFieldPrefix.size()) {
    return Part{What::kField, std::string(name.substr(kFieldPrefix.size()))};
  }
  return wrong(name, "it may hold {client_ip}, {method}, {path}, {host} and {header:NAME}");
}

base::Result<DescriptorTemplate::EntryTemplate> DescriptorTemplate::parse_entry(
    std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return wrong(text, "an entry is key=value");
  EntryTemplate entry{.key = decoded(text.substr(0, equals)), .parts = {}};
  std::string_view rest = text.substr(equals + 1);
  if (rest.empty()) return wrong(text, "an entry's value is not empty");
  while (!rest.empty()) {
    const size_t open = std::min(rest.find_first_of("{}"), rest.size());
    if (open > 0) entry.parts.push_back({What::kLiteral, decoded(rest.substr(0, open))});
    rest.remove_prefix(open);
    if (rest.empty()) break;
    const size_t close = rest.find('}');
    if (close == std::string_view::npos || close == 0) return wrong(text, "a brace is alone");
    base::Result<Part> part = parse_placeholder(rest.substr(1, close - 1));
    if (!part) return part.error();
    entry.parts.push_back(*std::move(part));
    rest.remove_prefix(close + 1);
  }
  return entry;
}

base::Result<DescriptorTemplate> DescriptorTemplate::parse(std::string_view text) {
  DescriptorTemplate out;
  for (std::string_view rest = text;;) {
    const size_t comma = std::min(rest.find(','), rest.size());
    base::Result<EntryTemplate> entry = parse_entry(rest.substr(0, comma));
    if (!entry) return entry.error();
    out.entries_.push_back(*std::move(entry));
    if (comma == rest.size()) break;
    rest.remove_prefix(comma + 1);
  }
  if (out.entries_.size() > limiter::kEntriesMax) {
    return wrong(text, "it has more than " + std::to_string(limiter::kEntriesMax) + " entries");
  }
  return out;
}

std::string_view DescriptorTemplate::value_of(const Part& part, const Facts& facts) {
  switch (part.what) {
    case What::kLiteral:
      return part.text;
    case What::kClient:
      return facts.client;
    case What::kMethod:
      return facts.head.method;
    case What::kPath:
      return facts.path;
    case What::kHost:
      return facts.head.host;
    case What::kField:
      return facts.head.field(part.text);
  }
  return {};
}

// Empty: absent.
std::string_view DescriptorTemplate::value_of(const EntryTemplate& entry, const Facts& facts,
                                              Rendering& to) {
  if (entry.parts.size() == 1) {
    const std::string_view value = value_of(entry.parts[0], facts);
    if (protocol::valid_utf8(value)) return value;
  }
  std::string& out = to.text();
  for (const Part& part : entry.parts) {
    const std::string_view value = value_of(part, facts);
    if (value.empty()) return {};
    append_utf8(value, out);
  }
  return out;
}

bool DescriptorTemplate::render(const Facts& facts, Rendering& to) const {
  const size_t before = to.entries.size();
  for (const EntryTemplate& entry : entries_) {
    const std::string_view value = value_of(entry, facts, to);
    if (value.empty()) {
      to.entries.resize(before);
      return false;
    }
    to.entries.push_back({entry.key, value});
  }
  return true;
}

std::span<const limiter::Descriptor> render(std::span<const DescriptorTemplate> templates,
                                            const Facts& facts, Rendering& to) {
  to.texts_used = 0;
  to.entries.clear();
  to.descriptors.clear();
  size_t most = 0;
  for (const DescriptorTemplate& each : templates) most += each.size();
  to.entries.reserve(most);
  for (const DescriptorTemplate& each : templates) {
    const size_t first = to.entries.size();
    if (each.render(facts, to)) to.descriptors.push_back(std::span(to.entries).subspan(first));
  }
  return to.descriptors;
}

}  // namespace gateway

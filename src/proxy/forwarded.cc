#include "proxy/forwarded.h"

#include <algorithm>
#include <utility>

#include "proxy/field_names.h"

namespace proxy {
namespace {

constexpr bool alpha(char c) { return base::lower(c) >= 'a' && base::lower(c) <= 'z'; }
constexpr bool digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool token_byte(char c) {
  return alpha(c) || digit(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// "_name", a node or port that its proxy keeps to itself.
bool is_obfuscated(std::string_view text) {
  return text.size() > 1 && text[0] == '_' && std::ranges::all_of(text.substr(1), [](char c) {
           return alpha(c) || digit(c) || c == '.' || c == '_' || c == '-';
         });
}

bool is_port(std::string_view text) {
  if (is_obfuscated(text)) return true;
  return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, digit);
}

bool is_node_name(std::string_view name) {
  if (same_name(name, "unknown") || is_obfuscated(name)) return true;
  if (!name.starts_with('[')) return name.find(':') == name.npos && io::Ip::parse(name);
  if (!name.ends_with(']')) return false;
  const std::string_view inner = name.substr(1, name.size() - 2);
  return inner.find(':') != inner.npos && io::Ip::parse(inner);
}

// Its name, without the port. Nothing: it is none.
std::optional<std::string_view> parse_node(std::string_view text) {
  const size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  if (bracket == text.npos) return std::nullopt;
  const size_t colon = text.find(':', bracket);
  const std::string_view name = text.substr(0, colon);
  if (!is_node_name(name)) return std::nullopt;
  if (colon != text.npos && !is_port(text.substr(colon + 1))) return std::nullopt;
  return name;
}

bool is_scheme(std::string_view text) {
  return !text.empty() && alpha(text[0]) && std::ranges::all_of(text, [](char c) {
    return alpha(c) || digit(c) || c == '+' || c == '-' || c == '.';
  });
}

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  bool parse(std::vector<ForwardedElement>& out) {
    while (true) {
      skip_space();
      ForwardedElement element;
      if (!take_element(element)) return false;
      if (!empty(element)) out.push_back(element);
      skip_space();
      if (rest_.empty()) return !out.empty();
      if (!take(',')) return false;
    }
  }

 private:
  static bool empty(const ForwardedElement& e) {
    return e.client.empty() && e.by.empty() && e.host.empty() && e.proto.empty();
  }
  void skip_space() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view take_token() {
    const auto end = std::ranges::find_if_not(rest_, token_byte);
    const std::string_view token(rest_.begin(), end);
    rest_.remove_prefix(token.size());
    return token;
  }

  bool take_element(ForwardedElement& element) {
    do {
      const std::string_view name = take_token();
      if (name.empty()) continue;  // ";;": an empty pair.
      if (!take('=')) return false;
      const std::string_view value = rest_.starts_with('"') ? take_quoted() : take_token();
      if (value.empty() || !keep(element, name, value)) return false;
    } while (take(';'));
    return true;
  }

  std::string_view take_quoted() {
    const size_t end = rest_.find_first_of("\"\\", 1);
    if (end == rest_.npos || rest_[end] == '\\') return {};
    const std::string_view value = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return value;
  }

  static bool keep(ForwardedElement& element, std::string_view name, std::string_view value) {
    const auto once = [&](std::string_view& into, std::string_view what) {
      return std::exchange(into, what).empty();
    };
    if (same_name(name, "proto")) return is_scheme(value) && once(element.proto, value);
    if (same_name(name, "host")) {
      return io::parse_host_port(value).has_value() && once(element.host, value);
    }
    const bool is_for = same_name(name, "for");
    if (!is_for && !same_name(name, "by")) return false;
    const std::optional<std::string_view> node = parse_node(value);
    return node && once(is_for ? element.client : element.by, *node);
  }

  std::string_view rest_;
};

}  // namespace

std::optional<std::vector<ForwardedElement>> parse_forwarded(std::string_view value) {
  std::vector<ForwardedElement> out;
  if (!Parser(value).parse(out)) return std::nullopt;
  return out;
}

void append_forwarded(std::string& out, const io::Ip& peer, std::string_view host) {
  out += "for=";
  if (peer.v4()) {
    out += peer.text();
  } else {
    out.append("\"[").append(peer.text()).append("]\"");
  }
  if (io::parse_host_port(host)) out.append(";host=\"").append(host).append("\"");
  out += ";proto=http";
}

}  // namespace proxy

#include "dispatch/structured.h"

#include <algorithm>

#include "base/number.h"

namespace dispatch {
namespace {

constexpr size_t kIntegerDigitsMax = 15, kWholeDigitsMax = 12, kDecimalsMax = 3;

bool is_one_of(char c, std::string_view any) { return any.find(c) != std::string_view::npos; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_alpha(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
bool is_key(char c) { return is_lower(c) || is_digit(c) || is_one_of(c, "_-.*"); }
bool is_token(char c) { return is_alpha(c) || is_digit(c) || is_one_of(c, "!#$%&'*+-.^_`|~:/"); }
bool is_base64(char c) { return is_alpha(c) || is_digit(c) || is_one_of(c, "+/="); }

// Each function reads what it is named after from the front; false: the field is malformed.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (done() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip(std::string_view any_of) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(any_of), rest_.size()));
  }

  bool string(std::string& to) {
    if (!take('"')) return false;
    while (!done()) {
      char c = next();
      if (c == '"') return true;
      if (c < 0x20 || c > 0x7e) return false;
      if (c == '\\') {
        if (done() || (rest_.front() != '"' && rest_.front() != '\\')) return false;
        c = next();
      }
      to.push_back(c);
    }
    return false;
  }

  bool key(std::string& to) {
    if (done() || (!is_lower(rest_.front()) && rest_.front() != '*')) return false;
    to = run(is_key);
    return true;
  }

  bool item(Item& to) {
    if (done()) return false;
    const char c = rest_.front();
    if (is_digit(c) || c == '-') return number(to);
    if (c == '"') return string(ignored_);
    if (c == ':') return bytes(to);
    if (c == '?') return next() && (take('0') || take('1'));
    if (c == '@') return next() && number(to) && std::holds_alternative<int64_t>(to) && forget(to);
    if (c == '%') return next() && string(ignored_);
    if (!is_alpha(c) && c != '*') return false;
    run(is_token);
    return true;
  }

  bool parameters(Member& to) {
    while (take(';')) {
      skip(" ");
      std::string name;
      if (!key(name)) return false;
      Item value;
      if (take('=') && !item(value)) return false;
      std::erase_if(to.parameters, [&](const auto& each) { return each.first == name; });
      if (to.parameters.size() == kParametersMax) return false;
      to.parameters.emplace_back(std::move(name), std::move(value));
    }
    return true;
  }

 private:
  char next() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  std::string_view run(bool (*belongs)(char)) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), belongs);
    const std::string_view found = rest_.substr(0, static_cast<size_t>(end - rest_.begin()));
    rest_.remove_prefix(found.size());
    return found;
  }
  static bool forget(Item& to) {
    to = std::monostate();
    return true;
  }

  bool number(Item& to) {
    const bool negative = take('-');
    const std::string_view whole = run(is_digit);
    if (whole.empty() || whole.size() > kIntegerDigitsMax) return false;
    if (take('.')) {
      const size_t decimals = run(is_digit).size();
      return whole.size() <= kWholeDigitsMax && decimals > 0 && decimals <= kDecimalsMax;
    }
    const int64_t value = *base::parse_integer(whole);
    to = negative ? -value : value;
    return true;
  }

  bool bytes(Item& to) {
    next();
    Bytes value{std::string(run(is_base64))};
    if (!take(':')) return false;
    to = std::move(value);
    return true;
  }

  std::string_view rest_;
  std::string ignored_;
};

}  // namespace

const Item* Member::find(std::string_view parameter) const {
  const auto found = std::ranges::find(parameters, parameter, &std::pair<std::string, Item>::first);
  return found == parameters.end() ? nullptr : &found->second;
}

std::optional<std::vector<Member>> parse_string_list(std::string_view field) {
  std::vector<Member> members;
  Reader reader(field);
  reader.skip(" ");
  if (reader.done()) return members;
  for (;;) {
    Member member;
    if (!reader.string(member.name) || !reader.parameters(member)) return std::nullopt;
    if (members.size() == kMembersMax) return std::nullopt;
    members.push_back(std::move(member));
    reader.skip(" \t");
    if (reader.done()) return members;
    if (!reader.take(',')) return std::nullopt;
    reader.skip(" \t");
    if (reader.done()) return std::nullopt;  // A comma at the end.
  }
}

}  // namespace dispatch

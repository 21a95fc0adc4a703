#include "command/words.h"

#include <algorithm>
#include <new>

#include "base/number.h"

namespace command {
namespace {

constexpr size_t kShownBytesMax = 64;

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = upper(c);
  return letter >= 'A' && letter <= 'F' ? letter - 'A' + 10 : -1;
}

base::Error bad_descriptor(std::string_view word, const std::string& what) {
  return base::invalid("descriptor '" + shown(word) + "' " + what, "descriptor");
}

template <typename T>
T* allot(std::pmr::memory_resource& keep, size_t n) {
  return static_cast<T*>(keep.allocate(n * sizeof(T), alignof(T)));
}

// False: a `%` that two hex digits do not follow.
bool decode(std::string_view& text, std::pmr::memory_resource& keep) {
  if (text.find('%') == std::string_view::npos) return true;
  char* const begin = allot<char>(keep, text.size());
  char* end = begin;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      *end++ = text[i];
      continue;
    }
    if (text.size() - i < 3 || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0) return false;
    *end++ = static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
    i += 2;
  }
  text = {begin, end};
  return true;
}

// Null: a good entry. Else what is wrong with it.
const char* parse_entry(std::string_view part, limiter::Entry& entry,
                        std::pmr::memory_resource& keep) {
  const size_t equals = part.find('=');
  if (equals == std::string_view::npos) return "must be key=value[,key=value…]";
  entry = {part.substr(0, equals), part.substr(equals + 1)};
  if (entry.key.empty()) return "has an empty key";
  if (!decode(entry.key, keep) || !decode(entry.value, keep)) {
    return "has a '%' without two hex digits behind it (a bare '%' is %25)";
  }
  return nullptr;
}

base::Error twice(std::string_view option) {
  return base::invalid("option '" + std::string(option) + "' is given twice", std::string(option));
}

// Reads the options of a request, each at most once.
class Options {
 public:
  Options(AskForm form, AskWords& into) : form_(form), into_(into) {}

  // `at` is the option's place in `words`, and then that of its last word.
  base::Status take(std::span<const std::string_view> words, size_t& at) {
    const std::string_view word = words[at];
    if ((form_.options & kDryRun) != 0 && same_word(word, "DRYRUN")) {
      if (into_.dry_run) return twice("DRYRUN");
      into_.dry_run = true;
      return {};
    }
    if ((form_.options & kCost) != 0 && same_word(word, "COST")) {
      return number("COST", {0, INT64_MAX}, words, at, into_.cost);
    }
    if ((form_.options & kTtl) != 0 && same_word(word, "TTL")) {
      std::optional<int64_t> ms;
      if (into_.ttl) return twice("TTL");
      const base::Status read = number("TTL", {1, kTtlMsMax}, words, at, ms);
      if (ms) into_.ttl = std::chrono::milliseconds(*ms);
      return read;
    }
    if ((form_.options & kWait) != 0 && same_word(word, "WAIT")) {
      std::optional<int64_t> ms;
      if (into_.wait) return twice("WAIT");
      const base::Status read = number("WAIT", {0, kCheckWaitMsMax}, words, at, ms);
      if (ms) into_.wait = std::chrono::milliseconds(*ms);
      return read;
    }
    return base::invalid("unknown option '" + shown(word) + "'", "option");
  }

  base::Status all_there() const {
    if ((form_.required & kCost) != 0 && !into_.cost)
      return base::invalid("COST is missing", "COST");
    if ((form_.required & kTtl) != 0 && !into_.ttl) return base::invalid("TTL is missing", "TTL");
    return {};
  }

 private:
  static base::Status number(const char* name, Between bounds,
                             std::span<const std::string_view> words, size_t& at,
                             std::optional<int64_t>& into) {
    if (into) return twice(name);
    if (++at == words.size()) return base::invalid(std::string(name) + " needs a number", name);
    const base::Result<int64_t> value = parse_number(name, words[at], bounds);
    if (!value) return value.error();
    into = *value;
    return {};
  }

  AskForm form_;
  AskWords& into_;
};

}  // namespace

base::Result<limiter::Descriptor> parse_descriptor(std::string_view word,
                                                   std::pmr::memory_resource& keep) {
  const auto n = static_cast<size_t>(std::ranges::count(word, ',')) + 1;
  if (n > limiter::kEntriesMax) {
    return bad_descriptor(word,
                          "has more than " + std::to_string(limiter::kEntriesMax) + " entries");
  }
  auto* const entries = allot<limiter::Entry>(keep, n);
  size_t begin = 0;
  for (size_t i = 0; i < n; ++i) {
    const size_t end = word.find(',', begin);
    auto* const entry = new (entries + i) limiter::Entry();
    const char* const wrong = parse_entry(word.substr(begin, end - begin), *entry, keep);
    if (wrong != nullptr) return bad_descriptor(word, wrong);
    begin = end + 1;
  }
  return limiter::Descriptor(entries, n);
}

base::Result<int64_t> parse_number(std::string_view name, std::string_view word, Between bounds) {
  const std::optional<int64_t> value = base::parse_integer(word);
  if (value && *value >= bounds.min && *value <= bounds.max) return *value;
  return base::invalid(std::string(name) + " must be an integer between " +
                           std::to_string(bounds.min) + " and " + std::to_string(bounds.max),
                       std::string(name));
}

bool same_word(std::string_view word, std::string_view upper_case) {
  return std::ranges::equal(word, upper_case, {}, upper);
}

std::string lower_case(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string shown(std::string_view word) {
  if (word.size() <= kShownBytesMax) return std::string(word);
  size_t end = kShownBytesMax;
  while (end > 0 && (static_cast<unsigned char>(word[end]) & 0xc0) == 0x80) --end;
  return std::string(word.substr(0, end)) + "…";
}

base::Result<AskWords> parse_ask(std::span<const std::string_view> words, AskForm form,
                                 std::pmr::memory_resource& keep) {
  AskWords ask{.domain = words[1], .descriptors = {}, .cost = {}, .ttl = {}, .wait = {}};
  Options options(form, ask);
  // As many as there may be, but no more than words that could be one.
  const size_t room = std::min(words.size() - 2, limiter::kDescriptorsMax);
  auto* const descriptors = allot<limiter::Descriptor>(keep, room);
  size_t n = 0;
  for (size_t i = 2; i < words.size(); ++i) {
    const bool descriptor = n == 0 || words[i].find('=') != std::string_view::npos;
    if (!descriptor) {
      const base::Status taken = options.take(words, i);
      if (!taken) return taken.error();
      continue;
    }
    if (n == limiter::kDescriptorsMax) {
      return base::invalid("at most " + std::to_string(limiter::kDescriptorsMax) + " descriptors",
                           "descriptors");
    }
    const base::Result<limiter::Descriptor> parsed = parse_descriptor(words[i], keep);
    if (!parsed) return parsed.error();
    new (descriptors + n++) limiter::Descriptor(*parsed);
  }
  const base::Status complete = options.all_there();
  if (!complete) return complete.error();
  ask.descriptors = {descriptors, n};
  return ask;
}

}  // namespace command

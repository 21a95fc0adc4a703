#include "command/queue_option.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/number.h"
#include "command/option_value.h"
#include "command/queue_bounds.h"
#include "command/words.h"
#include "engine/template.h"
#include "engine/url_template.h"

namespace command {
namespace {

using queue::Settings;
using Type = QueueOption::Type;

base::Status read_durability(std::string_view name, std::string_view value, Settings& into) {
  if (value == "fsync") {
    into.durability = queue::Durability::kFsync;
  } else if (value == "os") {
    into.durability = queue::Durability::kOs;
  } else if (value == "memory") {
    into.durability = queue::Durability::kMemory;
  } else {
    return must(name, "fsync, os or memory");
  }
  return {};
}

std::string spell_durability(const Settings& from) {
  switch (from.durability) {
    case queue::Durability::kFsync:
      return "fsync";
    case queue::Durability::kOs:
      return "os";
    case queue::Durability::kMemory:
      return "memory";
  }
  return "fsync";
}

// Templates stand one behind the other with spaces between them: %20 spells one inside.
base::Status read_descriptors(std::string_view name, std::string_view value, Settings& into) {
  std::vector<std::string> templates;
  for (size_t at = 0; at < value.size();) {
    const size_t end = std::min(value.find(' ', at), value.size());
    if (end > at) templates.emplace_back(value.substr(at, end - at));
    at = end + 1;
  }
  if (templates.size() > kTemplatesMax) {
    return must(name, "at most " + std::to_string(kTemplatesMax) + " templates");
  }
  for (const std::string& text : templates) {
    const base::Status valid = engine::validate_template(text);
    if (!valid)
      return base::invalid(std::string(name) + ": " + valid.error().what, std::string(name));
  }
  into.decide.descriptors = std::move(templates);
  return {};
}

std::string spell_descriptors(const Settings& from) {
  std::string text;
  for (const std::string& one : from.decide.descriptors) {
    if (!text.empty()) text += ' ';
    text += one;
  }
  return text;
}

base::Status read_url(std::string_view name, std::string_view value, Settings& into) {
  if (!value.empty()) {
    const auto made = engine::UrlTemplate::make(value);
    if (!made)
      return base::invalid(std::string(name) + ": " + made.error().what, std::string(name));
  }
  into.push.url = value;
  return {};
}

base::Status read_method(std::string_view name, std::string_view value, Settings& into) {
  if (std::ranges::find(kPushMethods, value) == kPushMethods.end())
    return must(name, "POST, PUT, PATCH, GET or DELETE");
  into.push.method = value;
  return {};
}

// The secret itself has no business here: it would be shown, and written to the log.
base::Status read_secret_name(std::string_view name, std::string_view value, Settings& into) {
  const auto fits = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool digit_first = !value.empty() && value.front() >= '0' && value.front() <= '9';
  if (value.size() > kVariableBytesMax || digit_first || !std::ranges::all_of(value, fits)) {
    return must(name,
                "the name of an environment variable, of up to 128 letters, digits and '_'; not "
                "the secret");
  }
  into.push.signing_secret_env = value;
  return {};
}

base::Status read_weight(std::string_view name, std::string_view value, Settings& into) {
  const std::string_view key = name.substr(std::string_view("weights.").size());
  if (key.empty() || key.size() > queue::kKeyBytesMax) {
    return must(name, "weights.KEY with a key of 1 to 512 bytes, or * for all others");
  }
  uint32_t weight = 0;
  const base::Status read = read_integer(name, value, {0, queue::kWeightMax}, weight);
  if (!read) return read;
  const auto found = std::ranges::find(into.weights, key, &std::pair<std::string, uint32_t>::first);
  if (weight == 0) {
    if (found != into.weights.end()) into.weights.erase(found);
  } else if (found != into.weights.end()) {
    found->second = weight;
  } else if (into.weights.size() == kWeightsMax) {
    return must(name, "one of at most " + std::to_string(kWeightsMax) + " weights");
  } else {
    into.weights.emplace_back(key, weight);
  }
  return {};
}

using std::chrono::hours;
using std::chrono::milliseconds;
constexpr base::Duration kYear = hours(24 * 365);
constexpr int64_t kYearMs = whole_ms(kYear);

constexpr std::array<QueueOption, 22> kOptions = {{
    {"lease", Type::kSpan, 1, 43'200'000, "1 ms … 12 h",
     "How long a message is held by who dequeued it.",
     [](std::string_view name, std::string_view value, Settings& into) {
       return read_span(name, value, {queue::kLeaseMin, queue::kLeaseMax, "of 1 ms to 12 h"},
                        into.lease);
     },
     [](const Settings& from) { return spelt_span(from.lease); }},
    {"attempts", Type::kInteger, 1, queue::kAttemptsMax, "1 … 65,535",
     "Deliveries that may fail before a message is dead.",
     [](std::string_view name, std::string_view value, Settings& into) {
       return read_integer(name, value, {1, queue::kAttemptsMax}, into.attempts);
     },
     [](const Settings& from) { return std::to_string(from.attempts); }},
    {"backoff.base", Type::kSpan, 0, kYearMs, "0 … 365 d", "The delay after the first failure.",
     [](std::string_view name, std::string_view value, Settings& into) {
       return read_span(name, value, {base::Duration(0), kYear, "of up to 365 d"},
                        into.backoff.base);
     },
     [](const Settings& from) { return spelt_span(from.backoff.base); }},
    {"backoff.factor", Type::kDecimal, 1'000'000, 1'000'000'000, "1 … 1,000, to thousandths",
     "What each further failure multiplies it by.",
     [](std::string_view name, std::string_view value, Settings& into) {
       return read_point(
           name, value,
           {3, {1'000, 1'000'000}, "a number between 1 and 1000 with at most 3 decimals"},
           into.backoff.factor_milli);
     },
     [](const Settings& from) { return spelt_point(from.backoff.factor_milli, 3); }},
    {"backoff.max", Type::kSpan, 0, kYearMs, "0 … 365 d", "The longest delay, before jitter.",
     [](std::string_view name, std::string_view value, Settings& into) {
       return read_span(name, value, {base::Duration(0), kYear, "of up to 365 d"},
                        into.backoff.max);
     },
     [](const Settings& from) { return spelt_span(from.backoff.max); }},
    {"backoff.jitter", Type::kDecimal, 0, 1'000'000, "0 … 1, to millionths",
     "The part of the delay that is drawn anew each time, up or down.",
     [](std::string_view name, std::string_view value, Settings& into) {
       return read_point(name, value,
                         {6, {0, 1'000'000}, "a number between 0 and 1 with at most 6 decimals"},
                         into.backoff.jitter_ppm);
     },
     [](const Settings& from) { return spelt_point(from.backoff.jitter_ppm, 6); }},
    {"in_flight_per_key", Type::kInteger, 0, UINT32_MAX, "0 … 4,294,967,295",
     "How many messages of one key may be leased at a time; 0: any number; 1: strictly first in, "
     "first out.",
     [](std::string_view name, std::string_view value, Settings& into) {
       return read_integer(name, value, {0, UINT32_MAX}, into.in_flight_per_key);
     },
     [](const Settings& from) { return std::to_string(from.in_flight_per_key); }},
    {"durability", Type::kChoice, 0, 0, "fsync, os, memory",
     "What an answer promises: on the disk, with the operating system, or in this process only.",
     read_durability, spell_durability},
    {"ttl", Type::kSpan, 0, kYearMs, "0 (none), 1 ms … 365 d",
     "When a message that is not delivered expires, if it does not say so itself.",
     [](std::string_view name, std::string_view value, Settings& into) {
       return read_span(name, value,
                        {milliseconds(1), kYear, "of 1 ms to 365 d, or 0 for none", true},
                        into.ttl);
     },
     [](const Settings& from) { return spelt_span(from.ttl); }},
    {"dedup_window", Type::kSpan, 0, 7 * 86'400'000, "0 … 7 d",
     "For how long a deduplication id is remembered.",
     [](std::string_view name, std::string_view value, Settings& into) {
       return read_span(name, value, {base::Duration(0), queue::kDedupWindowMax, "of up to 7 d"},
                        into.dedup_window);
     },
     [](const Settings& from) { return spelt_span(from.dedup_window); }},
    {"decide.domain", Type::kText, 0, kDomainBytesMax, "up to 200 bytes",
     "The domain of the limits that a delivery meets; empty: none.",
     [](std::string_view name, std::string_view value, Settings& into) -> base::Status {
       if (value.size() > kDomainBytesMax) return must(name, "at most 200 bytes long");
       into.decide.domain = value;
       return {};
     },
     [](const Settings& from) { return from.decide.domain; }},
    {"decide.descriptors", Type::kTexts, 0, kTemplatesMax, "up to 32 templates",
     "Which limits: templates of descriptors, as `tenant={header:tenant}`; one word with spaces "
     "between them.",
     read_descriptors, spell_descriptors},
    {"dead_letter.keep", Type::kSpan, 0, kYearMs, "0 (for ever) … 365 d",
     "For how long dead letters are kept.",
     [](std::string_view name, std::string_view value, Settings& into) {
       return read_span(name, value, {base::Duration(0), kYear, "of up to 365 d"}, into.dead_keep);
     },
     [](const Settings& from) { return spelt_span(from.dead_keep); }},
    {"dead_letter.expired", Type::kTruth, 0, 1, "true, false",
     "Whether expired messages become dead letters.",
     [](std::string_view name, std::string_view value, Settings& into) {
       return read_truth(name, value, into.dead_expired);
     },
     [](const Settings& from) { return std::string(from.dead_expired ? "true" : "false"); }},
    {"weights.", Type::kInteger, 0, queue::kWeightMax, "1 … 1,000,000; 0 takes it away",
     "`weights.KEY`: the share of a key when keys take turns; `*` is all others.", read_weight,
     nullptr},
    {"max.messages", Type::kInteger, 0, INT64_MAX, "0 (none) … 2⁶³ − 1",
     "Waiting and leased messages; one more is FULL.",
     [](std::string_view name, std::string_view value, Settings& into) {
       return read_integer(name, value, {0, INT64_MAX}, into.messages_max);
     },
     [](const Settings& from) { return std::to_string(from.messages_max); }},
    {"max.bytes", Type::kSize, 0, INT64_MAX, "0 (none) … 2⁶³ − 1",
     "Bytes of their bodies; more is FULL.",
     [](std::string_view name, std::string_view value, Settings& into) -> base::Status {
       const auto bytes = read_size(value);
       if (!bytes) return must(name, "a number of bytes, as 10GiB");
       into.bytes_max = static_cast<uint64_t>(*bytes);
       return {};
     },
     [](const Settings& from) { return spelt_size(from.bytes_max); }},
    {"push.url", Type::kText, 0, queue::kPushUrlBytesMax, "up to 2,048 bytes",
     "Where the dispatcher sends the messages, by HTTP; a template of text, `{queue}`, `{key}` and "
     "`{header:NAME}`; empty: the queue has consumers.",
     read_url, [](const Settings& from) { return from.push.url; },
     "^(https?://[a-z0-9.-]{1,40}(/[a-zA-Z0-9._~-]{0,40}|/\\{key\\})?)?$"},
    {"push.method", Type::kChoice, 0, 0, "POST, PUT, PATCH, GET, DELETE",
     "The method of those requests.", read_method,
     [](const Settings& from) { return from.push.method; }},
    {"push.timeout", Type::kSpan, 1, 3'600'000, "1 ms … 1 h",
     "How long one may take, to the last byte of its answer.",
     [](std::string_view name, std::string_view value, Settings& into) {
       return read_span(name, value,
                        {queue::kPushTimeoutMin, queue::kPushTimeoutMax, "of 1 ms to 1 h"},
                        into.push.timeout);
     },
     [](const Settings& from) { return spelt_span(from.push.timeout); }},
    {"push.redirects", Type::kInteger, 0, queue::kPushRedirectsMax, "0 … 20",
     "Redirects that are followed (307 and 308 to the same host); any other 3xx is a failure.",
     [](std::string_view name, std::string_view value, Settings& into) {
       return read_integer(name, value, {0, queue::kPushRedirectsMax}, into.push.redirects);
     },
     [](const Settings& from) { return std::to_string(from.push.redirects); }},
    {"push.signing_secret_env", Type::kText, 0, kVariableBytesMax, "up to 128 bytes",
     "The environment variable that has the secret which requests are signed with; empty: "
     "unsigned.",
     read_secret_name, [](const Settings& from) { return from.push.signing_secret_env; },
     "^([A-Za-z_][A-Za-z0-9_]{0,127})?$"},
}};

// The part before the dot; empty: none.
std::string_view level_of(std::string_view name) {
  const size_t dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

void write_value(const QueueOption& option, const Settings& settings, protocol::Writer& writer) {
  if (option.type == Type::kTexts) {
    writer.list(settings.decide.descriptors.size());
    for (const std::string& text : settings.decide.descriptors) writer.text(text);
    return;
  }
  const std::string text = option.spell(settings);
  if (option.type == Type::kInteger) {
    writer.integer(base::parse_integer(text).value());
  } else if (option.type == Type::kTruth) {
    writer.truth(text == "true");
  } else {
    writer.text(text);
  }
}

void write_weights(const Settings& settings, protocol::Writer& writer) {
  writer.record(settings.weights.size());
  for (const auto& [key, weight] : settings.weights) writer.field(key).integer(weight);
}

}  // namespace

std::span<const QueueOption> queue_options() { return kOptions; }

const QueueOption* find_queue_option(std::string_view name) {
  for (const QueueOption& option : kOptions) {
    const bool prefix = option.name.back() == '.';
    if (prefix ? name.starts_with(option.name) : name == option.name) return &option;
  }
  return nullptr;
}

base::Status set_queue_option(std::string_view name, std::string_view value, Settings& into) {
  const QueueOption* const option = find_queue_option(name);
  if (option != nullptr) return option->read(name, value, into);
  return base::invalid("unknown option '" + shown(name) + "' of a queue", "option");
}

void write_settings(const Settings& settings, protocol::Writer& writer) {
  const auto begins = [](size_t i) {
    return i == 0 || level_of(kOptions[i].name).empty() ||
           level_of(kOptions[i].name) != level_of(kOptions[i - 1].name);
  };
  size_t fields = 0;
  for (size_t i = 0; i < kOptions.size(); ++i) fields += begins(i);
  writer.record(fields);
  for (size_t i = 0; i < kOptions.size(); ++i) {
    const QueueOption& option = kOptions[i];
    const std::string_view level = level_of(option.name);
    if (option.spell == nullptr) {
      write_weights(settings, writer.field(level));
      continue;
    }
    if (begins(i) && !level.empty()) {
      const auto same = [level](const QueueOption& other) { return level_of(other.name) == level; };
      writer.field(level).record(static_cast<size_t>(std::ranges::count_if(kOptions, same)));
    }
    writer.field(level.empty() ? option.name : option.name.substr(level.size() + 1));
    write_value(option, settings, writer);
  }
}

std::string queue_options_markdown() {
  const Settings defaults;
  std::string text = "| Option | Default | Bounds | |\n|---|---|---|---|\n";
  for (const QueueOption& option : kOptions) {
    const std::string standard = option.spell == nullptr ? "1" : option.spell(defaults);
    text.append("| `").append(option.name).append(option.spell == nullptr ? "KEY" : "");
    text.append("` | ").append(standard.empty() ? "–" : standard).append(" | ");
    text.append(option.bounds).append(" | ").append(option.help).append(" |\n");
  }
  return text;
}

}  // namespace command

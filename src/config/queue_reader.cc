#include "config/queue_reader.h"

#include <algorithm>
#include <set>

#include "command/queue_bounds.h"
#include "command/queue_option.h"
#include "config/flow_map.h"
#include "config/value.h"
#include "engine/template.h"

namespace config {
namespace {

using command::QueueOption;
using Type = QueueOption::Type;
using yaml::Node;

constexpr std::string_view kDescriptors = "decide.descriptors";
constexpr std::string_view kDomain = "decide.domain";
constexpr std::string_view kSecret = "push.signing_secret_env";

std::string path_of(std::string_view level, std::string_view name) {
  return level.empty() ? std::string(name) : std::string(level) + '.' + std::string(name);
}

// The names that may stand on a level ("": the top of a queue).
std::vector<std::string_view> names_on(std::string_view level) {
  std::set<std::string_view> names;
  for (const QueueOption& option : command::queue_options()) {
    const size_t dot = option.name.find('.');
    const bool below = dot != option.name.npos;
    if (level.empty()) names.insert(option.name.substr(0, dot));
    if (below && !level.empty() && option.name.substr(0, dot) == level) {
      names.insert(option.name.substr(dot + 1));
    }
  }
  return {names.begin(), names.end()};
}

bool is_level(std::string_view name) {
  const std::string prefix = std::string(name) + '.';
  return std::ranges::any_of(command::queue_options(), [&](const QueueOption& option) {
    return option.name.starts_with(prefix);
  });
}

// Reads one queue.
class QueueReader {
 public:
  QueueReader(queue::Settings& settings, Reading& reading)
      : settings_(settings), reading_(reading) {}

  void read(const Node& node, std::string_view level = {}) {
    if (!reading_.is_map(node, level.empty() ? "a queue" : level)) return;
    for (const auto& [key, value] : node.entries) read_one(key, value, level);
  }
  const Node* domain() const { return domain_; }
  const Node* secret() const { return secret_; }

 private:
  void read_one(const Node& key, const Node& value, std::string_view level) {
    const std::string path = path_of(level, key.text);
    if (level.empty() && is_level(key.text)) return read(value, key.text);
    if (path == kDescriptors) return read_templates(value);
    const QueueOption* option = command::find_queue_option(path);
    if (option == nullptr) {
      return reading_.fail(
          key, "unknown key '" + shown(path) + "'" + suggestion(key.text, names_on(level)));
    }
    if (path == kDomain) domain_ = &value;
    if (path == kSecret) secret_ = &value;
    set(*option, path, value);
  }

  void set(const QueueOption& option, const std::string& path, const Node& value) {
    if (!value.is_text()) {
      return reading_.fail(value,
                           path + " must be one value, not " + std::string(kind_name(value)));
    }
    // A verb takes bare milliseconds; in a file 30 could be anything.
    if (option.type == Type::kSpan && value.text != "0") {
      const base::Result<base::Duration> span = parse_span(value.text);
      if (!span) return reading_.fail(value, path + ": " + span.error().what);
    }
    const base::Status done = command::set_queue_option(path, value.text, settings_);
    if (!done) reading_.fail(value, done.error().what);
  }

  void read_templates(const Node& list) {
    settings_.decide.descriptors.clear();
    const auto items = reading_.items(list, kDescriptors);
    if (items.size() > command::kTemplatesMax) {
      reading_.fail(list, std::string(kDescriptors) + " are at most " +
                              std::to_string(command::kTemplatesMax));
    }
    for (const Node& item : items) {
      const base::Status valid = item.is_text() ? engine::validate_template(item.text)
                                                : base::Status(base::invalid("must be text"));
      if (!valid) reading_.fail(item, std::string(kDescriptors) + ": " + valid.error().what);
      settings_.decide.descriptors.push_back(item.text);
    }
  }

  queue::Settings& settings_;
  Reading& reading_;
  const Node* domain_ = nullptr;
  const Node* secret_ = nullptr;
};

// In the order of the table; weights have no options of their own.
std::vector<std::string_view> levels() {
  std::vector<std::string_view> out;
  for (const QueueOption& option : command::queue_options()) {
    const size_t dot = option.name.find('.');
    if (dot == option.name.npos || option.spell == nullptr) continue;
    const std::string_view level = option.name.substr(0, dot);
    if (out.empty() || out.back() != level) out.push_back(level);
  }
  return out;
}

void add_options(std::string_view level, const queue::Settings& settings, FlowMap& map) {
  for (const QueueOption& option : command::queue_options()) {
    const size_t dot = option.name.find('.');
    const bool on_level = level.empty()
                              ? dot == option.name.npos
                              : dot != option.name.npos && option.name.substr(0, dot) == level;
    if (!on_level || option.spell == nullptr) continue;
    const std::string_view name = level.empty() ? option.name : option.name.substr(dot + 1);
    if (option.name == kDescriptors) {
      map.put(name, flow_list(settings.decide.descriptors));
    } else {
      map.add(name, option.spell(settings));
    }
  }
}

}  // namespace

DeclaredQueues read_queues(const Node& node, const queue::Settings& defaults, Reading& reading) {
  DeclaredQueues out;
  if (!reading.is_map(node, "queues")) return out;
  for (const auto& [key, value] : node.entries) {
    const base::Status named = command::check_queue_name(key.text);
    if (!named) reading.fail(key, named.error().what);
    queue::Settings& settings = out.settings.emplace(key.text, defaults).first->second;
    QueueReader reader(settings, reading);
    reader.read(value);
    if (!settings.decide.descriptors.empty() && settings.decide.domain.empty()) {
      reading.fail(key, std::string(kDescriptors) + " need a decide.domain");
    }
    if (reader.domain() != nullptr && !settings.decide.domain.empty()) {
      out.domains.emplace(key.text, reading.mark(*reader.domain()));
    }
    if (reader.secret() != nullptr && !settings.push.signing_secret_env.empty()) {
      out.secrets.emplace(key.text, reading.mark(*reader.secret()));
    }
  }
  return out;
}

std::string print_queue(const queue::Settings& settings) {
  FlowMap all;
  add_options("", settings, all);
  for (const std::string_view level : levels()) {
    FlowMap map;
    add_options(level, settings, map);
    all.put(level, map.text());
  }
  FlowMap weights;
  for (const auto& [key, weight] : settings.weights) weights.add(key, int64_t{weight});
  all.put("weights", weights.text());
  return all.text();
}

}  // namespace config

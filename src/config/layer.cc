#include "config/layer.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "config/files.h"
#include "config/value.h"

namespace config {
namespace {

using limiter::Mark;
using yaml::Node;

const char* const kEnvironment = "environment";
const char* const kCommandLine = "command line";
constexpr std::string_view kPrefix = "RATELIMMQ_";
constexpr std::string_view kRoutes = "gateway.routes";

// Sets one value, or adds one item to a list.
void set_one(const Setting& setting, std::string_view text, const Mark& mark,
             const std::string& name, Draft& draft) {
  const base::Status status = setting.set(draft.config, text);
  if (!status) draft.problems.add(mark, name + ": " + status.error().what);
  draft.origins[setting.path] = mark;
}

// A value in one text: the items of a list stand between commas.
void set_text(const Setting& setting, std::string_view text, const Mark& mark,
              const std::string& name, Draft& draft) {
  if (!setting.list) return set_one(setting, text, mark, name, draft);
  setting.clear(draft.config);
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    set_one(setting, text.substr(0, comma), mark, name, draft);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
}

// --- The file ---

void set_node(const Setting& setting, const Node& node, Reading& reading, Draft& draft) {
  if (!setting.list) {
    if (node.is_null()) return reading.fail(node, setting.path + " has no value");
    if (!node.is_text()) {
      return reading.fail(node,
                          setting.path + " must be one value, not " + std::string(kind_name(node)));
    }
    return set_one(setting, node.text, reading.mark(node), setting.path, draft);
  }
  setting.clear(draft.config);
  for (const Node& item : reading.items(node, setting.path)) {
    if (!item.is_text()) {
      reading.fail(item,
                   setting.path + ": an item must be text, not " + std::string(kind_name(item)));
    } else {
      set_one(setting, item.text, reading.mark(item), setting.path, draft);
    }
  }
}

std::string inside(std::string_view group) {
  return group.empty() ? std::string() : std::string(group) + '.';
}

// The names that may stand in a group ("" is the top of the file): of settings, and of groups.
std::vector<std::string_view> names_in(std::string_view group) {
  const std::string above = inside(group);
  std::set<std::string_view> names;
  for (const Setting& setting : settings()) {
    if (!setting.path.starts_with(above)) continue;
    const std::string_view below = std::string_view(setting.path).substr(above.size());
    names.insert(below.substr(0, below.find('.')));
  }
  if (group.empty()) names.insert({"limits", "queues"});
  if (group == "gateway") names.insert("routes");
  return {names.begin(), names.end()};
}

bool is_group(std::string_view name) {
  const std::string above = inside(name);
  return std::ranges::any_of(settings(),
                             [&](const Setting& s) { return s.path.starts_with(above); });
}

void unknown_key(const Node& key, const std::string& group, Reading& reading) {
  const std::string path = inside(group) + key.text;
  reading.fail(key, "unknown key '" + shown(path) + "'" + suggestion(key.text, names_in(group)));
}

void apply_group(const std::string& group, const Node& node, Reading& reading, Draft& draft) {
  if (!reading.is_map(node, group)) return;
  for (const auto& [key, value] : node.entries) {
    const std::string path = group + '.' + key.text;
    const Setting* setting = find_setting(path);
    if (path == kRoutes) continue;  // Read by itself.
    if (setting != nullptr) {
      set_node(*setting, value, reading, draft);
    } else if (is_group(path)) {
      apply_group(path, value, reading, draft);
    } else {
      unknown_key(key, group, reading);
    }
  }
}

// --- The environment ---

// The variables of the TCP port that every program of this kind knows.
void apply_host_and_port(const std::map<std::string, std::string>& environment, Draft& draft) {
  const auto value = [&](const char* name) -> std::string_view {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string_view() : std::string_view(found->second);
  };
  const std::string_view host = value("RATELIMMQ_HOST");
  const std::string_view port = value("RATELIMMQ_PORT");
  if (host.empty() && port.empty()) return;
  const Setting& setting = *find_setting("listen.tcp");
  const char* const name = port.empty() ? "RATELIMMQ_HOST" : "RATELIMMQ_PORT";
  if (host == "off" || port == "off") {
    return set_text(setting, "off", {kEnvironment}, name, draft);
  }
  const server::Address standard = Config().server.tcp;
  const server::Address& now = draft.config.server.tcp.off() ? standard : draft.config.server.tcp;
  const std::string both = print_address({host.empty() ? now.host : std::string(host), 0});
  const std::string number = port.empty() ? std::to_string(now.port) : std::string(port);
  set_text(setting, both.substr(0, both.rfind(':') + 1) + number, {kEnvironment}, name, draft);
}

// Variables that mean something beside the settings, now or in a later version.
constexpr std::array<std::string_view, 4> kOtherVariables{
    "RATELIMMQ_CONFIG", "RATELIMMQ_HOST", "RATELIMMQ_PORT", "RATELIMMQ_REGISTRATION_SECRET"};

// Others may have variables with our prefix, so only a near miss is a problem.
void check_name(const std::string& name, std::span<const std::string_view> known, Draft& draft) {
  if (std::ranges::find(known, name) != known.end()) return;
  const std::string_view near = nearest(name, known);
  if (near.empty()) return;
  draft.problems.add({kEnvironment},
                     "unknown variable " + shown(name) + " (" + std::string(near) + "?)");
}

// --- All together ---

void check_public(const std::string& path, const server::Address& address, Draft& draft) {
  if (address.off() || is_loopback(address.host)) return;
  if (!draft.config.server.trusted_networks.empty()) return;
  draft.problems.add(origin_of(path, draft),
                     path + ": " + print_address(address) +
                         " is a public address and needs listen.trusted_networks");
}

void check_file(const std::string& path, Draft& draft) {
  const std::string name = find_setting(path)->get(draft.config).front();
  if (name.empty()) return;
  const base::Result<std::string> text = read_file(name);
  if (!text) draft.problems.add(origin_of(path, draft), path + ": " + text.error().what);
}

}  // namespace

Mark origin_of(const std::string& path, const Draft& draft) {
  const auto origin = draft.origins.find(path);
  return origin == draft.origins.end() ? Mark{} : origin->second;
}

void apply_file(const Node& root, Reading& reading, Draft& draft) {
  if (!reading.is_map(root, "a configuration")) return;
  for (const auto& [key, value] : root.entries) {
    if (key.text == "limits" || key.text == "queues") continue;
    const Setting* setting = find_setting(key.text);
    if (is_group(key.text)) {
      apply_group(key.text, value, reading, draft);
    } else if (setting != nullptr && setting->group().empty()) {
      set_node(*setting, value, reading, draft);
    } else {
      unknown_key(key, "", reading);
    }
  }
}

void apply_environment(const std::map<std::string, std::string>& environment, Draft& draft) {
  std::vector<std::string> variables;
  for (const Setting& setting : settings()) {
    variables.push_back(setting.environment());
    const auto found = environment.find(variables.back());
    if (found == environment.end() || found->second.empty()) continue;
    set_text(setting, found->second, {kEnvironment}, found->first, draft);
  }
  apply_host_and_port(environment, draft);
  std::vector<std::string_view> known(kOtherVariables.begin(), kOtherVariables.end());
  known.insert(known.end(), variables.begin(), variables.end());
  for (const auto& [name, value] : environment) {
    if (name.starts_with(kPrefix)) check_name(name, known, draft);
  }
}

void apply_flags(const std::vector<std::pair<std::string, std::string>>& flags, Draft& draft) {
  std::vector<std::string_view> paths;
  for (const Setting& setting : settings()) paths.push_back(setting.path);
  for (const auto& [path, value] : flags) {
    const bool adds = path.ends_with('+');
    const std::string name = adds ? path.substr(0, path.size() - 1) : path;
    const Setting* setting = find_setting(name);
    if (setting == nullptr || (adds && !setting->list)) {
      draft.problems.add({kCommandLine},
                         "unknown setting '" + shown(path) + "'" + suggestion(name, paths));
    } else if (adds) {
      set_one(*setting, value, {kCommandLine}, name, draft);
    } else {
      set_text(*setting, value, {kCommandLine}, name, draft);
    }
  }
}

void check_settings(Draft& draft) {
  check_public("listen.tcp", draft.config.server.tcp, draft);
  check_public("listen.api", draft.config.server.api, draft);
  check_public("listen.limiter", draft.config.server.limiter, draft);
  for (const char* const path : {"dispatch.ca_file", "store.redis.ca_file", "store.redis.cert_file",
                                 "store.redis.key_file"}) {
    check_file(path, draft);
  }
  check_remote(draft);
}

}  // namespace config

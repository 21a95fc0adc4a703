// The table of settings: everything that is one value or a list of them. The file, the environment,
// flags, --print-config and docs/configuration.md all read this table.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace config {

struct Setting {
  std::string path;  // "listen.tcp", "store.redis.url"; groups and a name, or a name alone.
  std::string kind;  // For people: "address", "span, 10ms to 1h".
  std::string help;
  std::string flag;  // "--tcp"; empty: only --set.
  bool list = false;
  std::function<base::Status(Config&, std::string_view)> set;  // A list: adds one item.
  std::function<std::vector<std::string>(const Config&)> get;  // One text, or the list's items.
  std::function<void(Config&)> clear;                          // A list only.

  std::string environment() const;  // "RATELIMMQ_LISTEN_TCP"
  std::string_view group() const;   // "listen", "store.redis", or nothing.
  std::string_view name() const;    // "tcp"
};

const std::vector<Setting>& settings();  // In the order of the reference.
const Setting* find_setting(std::string_view path);

std::string_view example();  // A whole file, as docs/configuration.md shows it.

}  // namespace config

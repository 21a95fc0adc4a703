// What the readers of one file share: where problems go, and how the small things are read.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/yaml.h"
#include "config/zone.h"

namespace config {

// What limits are made with, from every file of one load.
struct LimitContext {
  limiter::Mode mode;           // For limits that say nothing else.
  limiter::WhenGone when_gone;  // For limits that say nothing else.
  Zones zones;
};

// Thread: one owner. A value that is no good is reported and read as nothing.
class Reading {
 public:
  Reading(std::string file_name, Problems& all) : file_(std::move(file_name)), problems_(all) {}

  const std::string& file() const { return file_; }
  Problems& problems() { return problems_; }
  limiter::Mark mark(const yaml::Node& node) const { return {file_, node.line, node.column}; }
  void fail(const yaml::Node& node, std::string_view what) { problems_.add(mark(node), what); }

  // False, and a problem, if `node` is no map; null passes as an empty one.
  bool is_map(const yaml::Node& node, std::string_view name);
  // The items of a list; none, and a problem, if `node` is none. Null passes as an empty one.
  std::span<const yaml::Node> items(const yaml::Node& node, std::string_view name);
  // Every key of a map is one of `known`; the texts are those of envoyproxy/ratelimit.
  void keys(const yaml::Node& map, std::span<const std::string_view> known);

  // Of a map's key `name`; nothing if it is absent or no good.
  std::optional<std::string> text(const yaml::Node& map, std::string_view name);
  std::optional<bool> truth(const yaml::Node& map, std::string_view name);
  std::optional<int64_t> integer(const yaml::Node& map, std::string_view name, int64_t most);
  std::optional<base::Duration> span(const yaml::Node& map, std::string_view name);
  // The position among `words`.
  std::optional<size_t> word(const yaml::Node& map, std::string_view name,
                             std::span<const std::string_view> words);

 private:
  std::string file_;
  Problems& problems_;
};

}  // namespace config

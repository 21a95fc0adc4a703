#include "config/zone.h"

#include <date/tz.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <vector>

#include "config/problem.h"
#include "config/zone_rule.h"

namespace config {
namespace {

constexpr std::chrono::year kFirstYear(1970), kEndYear(2100);
const std::chrono::sys_seconds kFrom = std::chrono::sys_days(kFirstYear / 1 / 1);
const std::chrono::sys_seconds kTo = std::chrono::sys_days(kEndYear / 1 / 1);

void add(std::chrono::sys_seconds from, std::chrono::seconds offset, limit::Zone& out) {
  const base::Duration last = out.changes.empty() ? out.first_offset : out.changes.back().offset;
  // Not every change of a zone moves its clocks: names change, too.
  if (offset != last)
    out.changes.push_back({base::Time(base::Duration(from.time_since_epoch())), offset});
}

// Adds what the zone's file lists; returns where the list ends.
std::chrono::sys_seconds add_listed(const date::time_zone& zone, limit::Zone& out) {
  std::chrono::sys_seconds at = kFrom;
  while (at < kTo) {
    const date::sys_info part = zone.get_info(at);
    add(at, part.offset, out);
    if (part.end >= kTo) return at;
    at = part.end;
  }
  return at;
}

// The date library reads the list in a zone's file only, which ends in 2037; the last line of the
// file is the rule that holds from there on (RFC 8536, 3.3).
std::optional<ZoneRule> rule_of(std::string_view name) {
  std::ifstream file("/usr/share/zoneinfo/" + std::string(name), std::ios::binary);
  std::string line, last;
  while (std::getline(file, line)) last = line;
  return ZoneRule::parse(last);
}

void add_by_rule(const ZoneRule& rule, std::chrono::sys_seconds after, limit::Zone& out) {
  const std::chrono::year_month_day first(std::chrono::floor<std::chrono::days>(after));
  for (std::chrono::year year = first.year(); year < kEndYear; ++year) {
    for (const ZoneRule::Change& change : rule.changes(year)) {
      if (change.from > after && change.from < kTo) add(change.from, change.offset, out);
    }
  }
}

base::Error no_zone(std::string_view name) {
  std::vector<std::string_view> known;
  for (const date::time_zone& zone : date::get_tzdb().zones) known.push_back(zone.name());
  return base::invalid("unknown zone '" + shown(name) + "'" + suggestion(name, known), "zone");
}

}  // namespace

base::Result<limit::Zone> read_zone(std::string_view name) {
  limit::Zone out;
  out.name = name;
  if (name == "UTC") return out;
  try {
    const auto& zones = date::get_tzdb().zones;
    const auto zone =
        std::ranges::find_if(zones, [&](const date::time_zone& z) { return z.name() == name; });
    if (zone == zones.end()) return no_zone(name);
    out.first_offset = zone->get_info(kFrom).offset;
    const std::chrono::sys_seconds listed = add_listed(*zone, out);
    if (const std::optional<ZoneRule> rule = rule_of(name)) add_by_rule(*rule, listed, out);
    return out;
  } catch (const std::exception& error) {
    return base::invalid("zone '" + shown(name) + "': " + shown(error.what()) +
                             " (is the package tzdata installed?)",
                         "zone");
  }
}

base::Result<std::shared_ptr<const limit::Zone>> Zones::find(std::string_view name) {
  if (const auto known = zones_.find(name); known != zones_.end()) return known->second;
  base::Result<limit::Zone> zone = read_zone(name);
  if (!zone) return zone.error();
  auto shared = std::make_shared<const limit::Zone>(std::move(*zone));
  zones_.emplace(name, shared);
  return shared;
}

}  // namespace config

// INFO, in Redis' format: clients read `loading`, `redis_version` and `role` before they send
// anything else.
#include <array>
#include <string>

#include "command/counters.h"
#include "command/verbs.h"
#include "command/words.h"

namespace command {
namespace {

// The version of Redis whose answers the verbs of client_verbs.cc have; clients compare it.
constexpr std::string_view kRedisVersion = "7.4.0";

struct Line {
  std::string_view name;
  std::string value;
};

struct Source {
  Process::Facts facts;
  int64_t uptime_s;
  uint64_t commands;
};

using Lines = std::vector<Line>;

Lines server(const Source& source) {
  return {{"redis_version", std::string(kRedisVersion)},
          {"redis_mode", "standalone"},
          {"ratelimmq_version", source.facts.version},
          {"ratelimmq_commit", source.facts.commit},
          {"arch_bits", std::to_string(8 * sizeof(void*))},
          {"tcp_port", std::to_string(source.facts.tcp_port)},
          {"uptime_in_seconds", std::to_string(source.uptime_s)},
          {"uptime_in_days", std::to_string(source.uptime_s / 86'400)},
          {"threads", std::to_string(source.facts.threads)},
          {"config_file", source.facts.config_file}};
}

Lines clients(const Source& source) {
  return {{"connected_clients", std::to_string(source.facts.connections)},
          {"blocked_clients", "0"}};
}

Lines memory(const Source& source) {
  const std::string bytes = std::to_string(source.facts.resident_bytes);
  return {{"used_memory", bytes}, {"used_memory_rss", bytes}};
}

Lines persistence(const Source&) { return {{"loading", "0"}, {"aof_enabled", "0"}}; }

Lines stats(const Source& source) {
  return {{"total_connections_received", std::to_string(source.facts.connections_total)},
          {"total_commands_processed", std::to_string(source.commands)}};
}

Lines replication(const Source&) { return {{"role", "master"}, {"connected_slaves", "0"}}; }

Lines limits(const Source& source) {
  const std::optional<Process::Facts::Store>& store = source.facts.store;
  if (!store) return {{"limits_in", "memory"}};
  return {{"limits_in", "store"},
          {"store_up", store->up ? "1" : "0"},
          {"store_instances", std::to_string(store->instances)}};
}

struct Section {
  std::string_view name;  // As asked for, upper case.
  std::string_view title;
  Lines (*lines)(const Source&);
};

constexpr std::array<Section, 7> kSections = {{{"SERVER", "# Server", server},
                                               {"CLIENTS", "# Clients", clients},
                                               {"MEMORY", "# Memory", memory},
                                               {"PERSISTENCE", "# Persistence", persistence},
                                               {"STATS", "# Stats", stats},
                                               {"REPLICATION", "# Replication", replication},
                                               {"LIMITS", "# Limits", limits}}};

bool wanted(const Section& section, std::span<const std::string_view> names) {
  if (names.empty()) return true;
  for (const std::string_view name : names) {
    if (same_word(name, section.name) || same_word(name, "ALL") || same_word(name, "DEFAULT") ||
        same_word(name, "EVERYTHING")) {
      return true;
    }
  }
  return false;
}

}  // namespace

// As in Redis, a section that does not exist adds nothing and is no error.
void run_info(Call& call) {
  Source source{.facts = call.services().process.facts(),
                .uptime_s = 0,
                .commands = call.services().counters.calls_total()};
  source.uptime_s =
      (base::nanoseconds(call.now()) / 1'000'000 - source.facts.started_at_ms) / 1'000;
  std::string text;
  for (const Section& section : kSections) {
    if (!wanted(section, call.words().subspan(1))) continue;
    if (!text.empty()) text += "\r\n";
    text.append(section.title).append("\r\n");
    for (const Line& line : section.lines(source)) {
      text.append(line.name).append(":").append(line.value).append("\r\n");
    }
  }
  call.answer().text(text);
}

}  // namespace command

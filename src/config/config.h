// The door of the room: files, environment and flags to each room's own options.
//
// Order: defaults, then the file, then environment variables (RATELIMMQ_…), then flags. An unknown
// key is an error with line and column and, where one is near, a suggestion. docs/configuration.md
// is the reference, generated from the same table that reads the file.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/options.h"
#include "gateway/registrar.h"
#include "io/log.h"
#include "limiter/limiter.h"
#include "server/dispatch_options.h"
#include "server/options.h"
#include "server/queue_rules.h"
#include "store/store.h"

namespace config {

struct Problem {
  std::string file;          // A file's name, "environment" or "command line".
  int line = 0, column = 0;  // From 1; 0: none.
  std::string what;
};
std::string to_string(
    const Problem& problem);  // "ratelimmq.yaml:3:5: unknown key 'litsen' (listen?)"

enum class StoreKind : uint8_t { kEmbedded, kRedis };

// Where the Redis is, as it is written; store.redis is made of it.
struct RedisPlace {
  std::string url = "redis://127.0.0.1:6379";
  std::string password_env;
  std::vector<std::string> cluster, sentinels;
  std::string master;
  std::string ca_file, cert_file, key_file;
  bool verify = true;
};

struct Config {
  server::ServerOptions server;
  limiter::LimiterOptions limiter;  // seed is left 0: the data directory has it.
  server::QueueRules queues;        // Of the file's `queues`, `durability`, `queue_creation`.
  engine::Bounds queue_bounds;
  server::DispatchOptions dispatch;
  StoreKind store_kind = StoreKind::kEmbedded;
  RedisPlace redis;
  store::Options store;
  gateway::Options gateway;  // Its secret and networks are filled in.
  std::string registration_secret_env = "RATELIMMQ_REGISTRATION_SECRET";
  gateway::RegistrarOptions registrar;
  std::string advertise = "auto";
  io::LogOptions log;
  limiter::Mode mode = limiter::Mode::kGranted;             // Of limits that say nothing else.
  limiter::WhenGone when_gone = limiter::WhenGone::kLocal;  // Of limits that say nothing else.
  std::vector<limiter::DomainSpec> domains;  // Of the file, the limit files and the built-in ones.
  std::vector<std::string> limit_files;      // Patterns; relative ones are told from their source.
  std::string file;                          // The file read; empty: none.
  std::vector<std::string> watched;  // The files read, and the directories of limit_files patterns.
};

struct Sources {
  server::Role role = server::Role::kServe;  // Listeners that it does not have are off.
  // --config, else RATELIMMQ_CONFIG. Nothing: ./ratelimmq.yaml, /etc/ratelimmq/ratelimmq.yaml,
  // none. A file with `domain:` at its top is a limit file and nothing else (envoyproxy/ratelimit's
  // form).
  std::optional<std::string> file;
  std::map<std::string, std::string> environment;  // All variables of the process.
  // A queue that signs needs its secret in the environment. False: that is not looked at.
  bool look_for_secrets = true;
  // ("listen.tcp", "off"): path, value. A list takes its items separated by commas and replaces
  // what was there; "limit_files+" adds one item.
  std::vector<std::pair<std::string, std::string>> flags;
};

struct Loaded {
  std::optional<Config> config;  // Nothing if there are problems.
  std::vector<Problem> problems;
};

// Reads files; never exits or prints. Everything that a start would refuse is a problem here, apart
// from busy ports and the data directory.
Loaded load(const Sources& sources);

// What a role begins with where nothing is said.
Config initial_config(server::Role role);

// The effective configuration as YAML, every key with its value; reading it back gives the same.
std::string print(const Config& config);

// Paths of the settings that differ and that a reload does not touch: all but those of limits and
// queues.
std::vector<std::string> differing(const Config& before, const Config& now);

// What can be set, one row a setting.
struct SettingRow {
  std::string path;         // "listen.tcp"
  std::string kind;         // "address"
  std::string initial;      // "127.0.0.1:7411"; of the role.
  std::string environment;  // "RATELIMMQ_LISTEN_TCP"
  std::string flag;         // "--tcp"; empty: only --set.
  std::string help;
};
std::vector<SettingRow> setting_rows(server::Role role = server::Role::kServe);

std::string reference_markdown();  // docs/configuration.md.

}  // namespace config

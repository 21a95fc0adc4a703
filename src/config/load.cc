#include "config/load.h"

#include <algorithm>
#include <set>

#include "config/built_in.h"
#include "config/files.h"
#include "config/queue_reader.h"
#include "config/route_reader.h"
#include "dispatch/sign.h"

namespace config {
namespace {

using limiter::DomainSpec;

// Where the limits of one load come together.
struct Limits {
  LimitContext context;
  std::vector<DomainSpec> domains;

  void add(std::vector<DomainSpec> more) { std::ranges::move(more, std::back_inserter(domains)); }
};

struct MainFile {
  std::string name;  // Empty: none.
  yaml::Node root;
  bool limits_only = false;  // envoyproxy/ratelimit's form.
};

// --config, RATELIMMQ_CONFIG, or the first of the usual places that exists.
std::string main_file_name(const Sources& sources) {
  if (sources.file) return *sources.file;
  const auto variable = sources.environment.find("RATELIMMQ_CONFIG");
  if (variable != sources.environment.end() && !variable->second.empty()) return variable->second;
  for (const char* place : {"ratelimmq.yaml", "/etc/ratelimmq/ratelimmq.yaml"}) {
    if (exists(place)) return place;
  }
  return {};
}

MainFile parse_main(const std::string& text, const std::string& name, Draft& draft) {
  yaml::Document document = yaml::parse(text, name, draft.problems);
  MainFile file{name, std::move(document.root), false};
  file.limits_only =
      file.root.find("domain") != nullptr || file.root.find("descriptors") != nullptr;
  return file;
}

MainFile open_main(const Sources& sources, Draft& draft) {
  const std::string name = main_file_name(sources);
  if (name.empty()) return {};
  draft.config.file = name;
  draft.config.watched.push_back(name);
  const base::Result<std::string> text = read_file(name);
  if (!text) {
    draft.problems.add({name}, text.error().what);
    return {name, {}, false};
  }
  return parse_main(*text, name, draft);
}

void apply_main(const MainFile& file, Draft& draft) {
  if (file.name.empty() || file.limits_only) return;
  Reading reading(file.name, draft.problems);
  apply_file(file.root, reading, draft);
  for (std::string& pattern : draft.config.limit_files) {
    pattern = relative_to(directory_of(file.name), pattern);
  }
}

void read_main_limits(const MainFile& file, Limits& limits, Draft& draft) {
  Reading reading(file.name, draft.problems);
  if (file.limits_only) {
    limits.add({read_domain(file.root, limits.context, reading)});
  } else if (const yaml::Node* node = file.root.find("limits")) {
    limits.add(read_domains(*node, limits.context, reading));
  }
}

// The defaults come from all layers, so they are read before.
void read_main_queues(const MainFile& file, Draft& draft) {
  const yaml::Node* node = file.limits_only ? nullptr : file.root.find("queues");
  if (node == nullptr) return;
  Reading reading(file.name, draft.problems);
  DeclaredQueues read = read_queues(*node, draft.config.queues.defaults, reading);
  draft.config.queues.declared = std::move(read.settings);
  draft.domains = std::move(read.domains);
  draft.secrets = std::move(read.secrets);
}

// A queue whose limits are not there would deliver nothing, or everything.
void check_domains(const Limits& limits, Draft& draft) {
  for (const auto& [queue, mark] : draft.domains) {
    const std::string& domain = draft.config.queues.declared.at(queue).decide.domain;
    if (std::ranges::find(limits.domains, domain, &DomainSpec::name) != limits.domains.end()) {
      continue;
    }
    std::vector<std::string_view> names;
    for (const DomainSpec& each : limits.domains) names.push_back(each.name);
    draft.problems.add(mark, "decide.domain: no limits have the domain '" + shown(domain) + "'" +
                                 suggestion(domain, names));
  }
}

// Says nothing of the variable's value.
void check_secrets(const Sources& sources, Draft& draft) {
  if (!sources.look_for_secrets) return;
  for (const auto& [queue, mark] : draft.secrets) {
    const queue::Push& push = draft.config.queues.declared.at(queue).push;
    if (push.signing_secret_env.empty()) continue;
    const auto found = sources.environment.find(push.signing_secret_env);
    const std::string variable =
        "queue '" + shown(queue) + "': the variable " + shown(push.signing_secret_env);
    if (found == sources.environment.end() || found->second.empty()) {
      draft.problems.add(mark, variable + " is not set");
      continue;
    }
    const base::Result<dispatch::Signer> signer = dispatch::Signer::make(found->second);
    if (!signer) draft.problems.add(mark, variable + ": " + signer.error().what);
  }
}

void read_one_limit_file(const std::string& name, Limits& limits, Draft& draft) {
  const base::Result<std::string> text = read_file(name);
  if (!text) return draft.problems.add({name}, text.error().what);
  const yaml::Document document = yaml::parse(*text, name, draft.problems);
  if (!document.ok) return;
  Reading reading(name, draft.problems);
  limits.add(read_limit_file(document.root, limits.context, reading));
}

void watch(std::string path, Draft& draft) {
  std::vector<std::string>& watched = draft.config.watched;
  if (std::ranges::find(watched, path) == watched.end()) watched.push_back(std::move(path));
}

void read_limit_files(Limits& limits, Draft& draft) {
  std::set<std::string> seen;
  for (const std::string& pattern : draft.config.limit_files) {
    watch(directory_of(pattern), draft);
    const base::Result<std::vector<std::string>> names = expand(pattern);
    if (!names) {
      const auto origin = draft.origins.find("limit_files");
      draft.problems.add(origin == draft.origins.end() ? limiter::Mark{} : origin->second,
                         "limit_files: " + shown(pattern) + ": " + names.error().what);
      continue;
    }
    for (const std::string& name : *names) {
      if (!seen.insert(name).second) continue;
      watch(name, draft);
      read_one_limit_file(name, limits, draft);
    }
  }
}

void read_main_routes(const MainFile& file, Draft& draft) {
  const yaml::Node* const gateway = file.limits_only ? nullptr : file.root.find("gateway");
  const yaml::Node* const routes = gateway == nullptr ? nullptr : gateway->find("routes");
  if (routes == nullptr) return;
  Reading reading(file.name, draft.problems);
  draft.config.gateway.routes = read_routes(*routes, reading);
}

// Listeners as the role has them; the others are off, whatever a file that several roles share
// says.
void begin_role(server::Role role, Config& config) {
  server::ServerOptions& options = config.server;
  if (role == server::Role::kLimiter) {
    options.limiter = {"127.0.0.1", 8001};
    options.api.port = 8083;
    config.store_kind = StoreKind::kRedis;
  } else if (role == server::Role::kGateway) {
    options.api.port = 8082;
  }
}

void end_role(server::Role role, Config& config) {
  server::ServerOptions& options = config.server;
  if (role != server::Role::kServe) options.tcp = {};
  if (role != server::Role::kLimiter) options.limiter = {};
  if (role == server::Role::kLimiter) options.gateway = {};
}

// What only all files together show.
void finish(Limits limits, Draft& draft) {
  add_built_in(draft.config.gateway.routes);
  add_built_in(limits.context, draft.config.dispatch, limits.domains);
  for (limiter::SpecError& error : limiter::Limits::check(limits.domains)) {
    draft.problems.add(std::move(error.mark), error.what);
  }
  check_domains(limits, draft);
  draft.config.domains = std::move(limits.domains);
  end_role(draft.role, draft.config);
  check_settings(draft);
}

Limits limits_of(const Draft& draft) {
  return {{draft.config.mode, draft.config.when_gone, {}}, {}};
}

}  // namespace

Config initial_config(server::Role role) {
  Config config;
  begin_role(role, config);
  end_role(role, config);
  return config;
}

Loaded load(const Sources& sources) {
  Draft draft;
  draft.role = sources.role;
  begin_role(draft.role, draft.config);
  const MainFile file = open_main(sources, draft);
  apply_main(file, draft);
  apply_environment(sources.environment, draft);
  apply_flags(sources.flags, draft);
  Limits limits = limits_of(draft);
  read_main_limits(file, limits, draft);
  read_limit_files(limits, draft);
  read_main_queues(file, draft);
  read_main_routes(file, draft);
  check_secrets(sources, draft);
  settle_remote(sources, draft);
  finish(std::move(limits), draft);
  if (!draft.problems.empty()) return {std::nullopt, draft.problems.sorted()};
  return {std::move(draft.config), {}};
}

void read_text(const std::string& text, const std::string& name, Draft& draft) {
  const MainFile file = parse_main(text, name, draft);
  apply_main(file, draft);
  Limits limits = limits_of(draft);
  read_main_limits(file, limits, draft);
  read_main_queues(file, draft);
  read_main_routes(file, draft);
  settle_remote({}, draft);
  finish(std::move(limits), draft);
}

}  // namespace config

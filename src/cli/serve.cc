// The server, from its configuration to its end.
#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/cli.h"
#include "cli/sources.h"
#include "config/config.h"
#include "io/io.h"
#include "limiter/limiter.h"
#include "server/server.h"
#include "server/storage.h"

namespace cli {
namespace {

// Whoever does not know the seed cannot choose keys that collide.
uint64_t random_seed() {
  uint64_t seed = 0;
  while (::getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    if (errno == EINTR) continue;
    std::perror("ratelimmq: getrandom");
    std::exit(kFailed);
  }
  return seed;
}

std::string to_string(const limiter::SpecError& error) {
  return config::to_string({error.mark.file, error.mark.line, error.mark.column, error.what});
}

// Reads everything again as at the start, and puts the new limits in force.
class Reloader {
 public:
  Reloader(const config::Sources& sources, const config::Config& started, limiter::Limiter& limiter)
      : sources_(sources), started_(started), limiter_(limiter) {}

  server::Reload operator()() {
    server::Reload outcome;
    config::Loaded loaded = config::load(sources_);
    for (const config::Problem& problem : loaded.problems) {
      outcome.errors.push_back(config::to_string(problem));
    }
    if (loaded.config) {
      outcome.watched_files = loaded.config->watched;
      put_in_force(*loaded.config, outcome);
    }
    outcome.limits = limiter_.limits()->list({}).size();
    return outcome;
  }

 private:
  void put_in_force(config::Config& now, server::Reload& outcome) {
    for (const std::string& path : config::differing(started_, now)) {
      io::log(io::Level::kWarning, "setting changed", {{"setting", path}, {"needs", "a restart"}});
    }
    for (const limiter::SpecError& error : limiter_.reload(std::move(now.domains))) {
      outcome.errors.push_back(to_string(error));
    }
    if (outcome.errors.empty()) outcome.queues = std::move(now.queues);
  }

  const config::Sources& sources_;
  const config::Config& started_;
  limiter::Limiter& limiter_;
};

int failed(const base::Error& error) {
  std::fprintf(stderr, "ratelimmq: %s\n", error.what.c_str());
  return kFailed;
}

base::Result<std::unique_ptr<server::Storage>> take_storage(const server::ServerOptions& options) {
  return server::Storage::take({.directory = options.data_dir,
                                .shards = options.shards,
                                .fresh_shards = server::fresh_shards_of(options),
                                .fresh_seed = random_seed()});
}

int put_in_force(std::vector<limiter::DomainSpec> domains, limiter::Limiter& limiter) {
  const std::vector<limiter::SpecError> errors = limiter.reload(std::move(domains));
  for (const limiter::SpecError& error : errors) {
    std::fprintf(stderr, "%s\n", to_string(error).c_str());
  }
  return errors.empty() ? kDone : kFailed;
}

int run(server::ServerOptions options, server::Wiring wiring) {
  auto server = server::Server::open(std::move(options), std::move(wiring));
  if (!server) return failed(server.error());
  std::printf("%s\n", (*server)->ready_line().c_str());
  std::fflush(stdout);
  (*server)->run();
  return kDone;
}

server::Web::Terms web_of(const config::Config& config) {
  server::Web::Terms web{config.gateway, {}};
  web.options.seed = random_seed();
  if (config.store_kind == config::StoreKind::kRedis) web.cache = config.store.redis;
  return web;
}

store::Options store_of(const config::Config& config) {
  store::Options store = config.store;
  store.seed = random_seed();
  store.ttl_max = config.limiter.ttl_max;
  return store;
}

// The clock begins behind all that is stored, whatever the wall clock says.
int serve(const config::Sources& sources, config::Config config) {
  auto storage = take_storage(config.server);
  if (!storage) return failed(storage.error());
  limiter::LimiterOptions options = config.limiter;
  options.seed = (*storage)->limiter_seed();
  limiter::Limiter limiter(options);
  if (put_in_force(std::move(config.domains), limiter) != kDone) return kFailed;

  engine::Bounds bounds = config.queue_bounds;
  bounds.body_bytes_max = config.server.body_bytes_max;
  io::SystemClock clock;
  std::unique_ptr<server::SharedLimits> shared;
  if (config.store_kind == config::StoreKind::kRedis) {
    const server::SharedLimits::Queues queues{(*storage)->shards(), (*storage)->name()};
    shared = std::make_unique<server::SharedLimits>(store_of(config), limiter, clock, queues);
  }
  const auto takers = shared ? shared->takers() : std::vector<limiter::Taker*>();
  const base::Status open =
      (*storage)->open(config.queues, bounds, limiter, io::wall_clock(), takers);
  if (!open) return failed(open.error());
  clock.not_before((*storage)->last_instant());
  return run(
      config.server,
      {.limiter = limiter,
       .clock = clock,
       .config_file = config.file,
       .watched_files = config.watched,
       .reload = [reload = Reloader(sources, config, limiter)]() mutable { return reload(); },
       .storage = std::move(*storage),
       .dispatch = config.dispatch,
       .shared = std::move(shared),
       .web = web_of(config)});
}

// Nothing of its own is kept: the roles limiter and gateway.
int serve_stateless(const config::Sources& sources, config::Config config) {
  limiter::LimiterOptions options = config.limiter;
  options.seed = random_seed();
  limiter::Limiter limiter(options);
  if (put_in_force(std::move(config.domains), limiter) != kDone) return kFailed;
  const io::SystemClock clock(io::wall_clock());
  std::unique_ptr<server::SharedLimits> shared;
  if (sources.role == server::Role::kLimiter) {
    shared = std::make_unique<server::SharedLimits>(store_of(config), limiter, clock,
                                                    server::SharedLimits::Queues{});
  }
  return run(
      config.server,
      {.limiter = limiter,
       .clock = clock,
       .config_file = config.file,
       .watched_files = config.watched,
       .reload = [reload = Reloader(sources, config, limiter)]() mutable { return reload(); },
       .storage = nullptr,
       .dispatch = config.dispatch,
       .shared = std::move(shared),
       .web = web_of(config),
       .registrar = config.registrar});
}

int load_and_serve(config::Sources& sources, bool print_config) {
  add_environment(sources);
  config::Loaded loaded = config::load(sources);
  if (!loaded.config) {
    print_problems(loaded.problems);
    return kFailed;
  }
  if (print_config) {
    std::fputs(config::print(*loaded.config).c_str(), stdout);
    return kDone;
  }
  io::start_log(loaded.config->log);
  return sources.role == server::Role::kServe ? serve(sources, std::move(*loaded.config))
                                              : serve_stateless(sources, std::move(*loaded.config));
}

void add_role(Program& program, server::Role role, const char* name, const char* help) {
  // Shared between the option that writes it and the body that reads it.
  const auto print_config = std::make_shared<bool>(false);
  const auto sources = std::make_shared<std::shared_ptr<config::Sources>>();
  CLI::App& command =
      program.add(name, help, [=] { return load_and_serve(**sources, *print_config); });
  *sources = add_settings(command, role);
  command.add_flag("--print-config", *print_config,
                   "Print the configuration in force as YAML and exit");
  command.footer("Exit code: 0 after a clean stop; 1 if it cannot start; 2 for bad usage.");
}

}  // namespace

void add_roles(Program& program) {
  add_role(program, server::Role::kServe, "serve",
           "Run the server until SIGTERM, Ctrl+C or SHUTDOWN");
  add_role(program, server::Role::kLimiter, "limiter",
           "Run a stateless limiter instance, whose limits are in Redis");
  add_role(program, server::Role::kGateway, "gateway",
           "Run the web server that asks registered limiter instances");
}

}  // namespace cli

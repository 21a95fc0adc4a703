// The simulator: lives one seed after another until one breaks a promise.
//
//   simulate [--seed N] [--lives N] [--seconds S] [--steps N] [--verbose]
//
// Exit code 0: all lives kept every promise; 1: one did not, and it says which, when, and how to
// see it again; 2: the options are wrong.
#include <charconv>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string>

#include "sim/sim.h"

namespace {

struct Options {
  sim::LifeOptions life;
  uint64_t lives = 1;
  uint64_t seconds = 0;  // 0: no bound.
};

bool number(const char* text, uint64_t& to) {
  const char* end = text + std::strlen(text);
  const auto [at, error] = std::from_chars(text, end, to);
  return error == std::errc() && at == end;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--verbose") {
      options.life.verbose = true;
      continue;
    }
    uint64_t* const to = name == "--seed"      ? &options.life.seed
                         : name == "--lives"   ? &options.lives
                         : name == "--seconds" ? &options.seconds
                         : name == "--steps"   ? &options.life.steps
                                               : nullptr;
    if (to == nullptr || i + 1 == argc || !number(argv[++i], *to)) return false;
  }
  return true;
}

void add(sim::Outcome::Counts& sum, const sim::Outcome::Counts& more) {
  sum.steps += more.steps;
  sum.requests += more.requests;
  sum.messages += more.messages;
  sum.deliveries += more.deliveries;
  sum.checks += more.checks;
  sum.restarts += more.restarts;
  sum.power_cuts += more.power_cuts;
  sum.failed_disks += more.failed_disks;
  sum.full_disks += more.full_disks;
  sum.corruptions_refused += more.corruptions_refused;
  sum.replays_compared += more.replays_compared;
  sum.idle_turns_judged += more.idle_turns_judged;
  sum.pushes += more.pushes;
}

void print(const sim::Outcome::Counts& c) {
  std::printf("  %" PRIu64 " steps, %" PRIu64 " requests, %" PRIu64 " messages, %" PRIu64
              " deliveries, %" PRIu64 " checks\n",
              c.steps, c.requests, c.messages, c.deliveries, c.checks);
  std::printf("  %" PRIu64 " restarts (%" PRIu64 " power cuts, %" PRIu64 " failed disks), %" PRIu64
              " full disks, %" PRIu64 " corruptions refused\n",
              c.restarts, c.power_cuts, c.failed_disks, c.full_disks, c.corruptions_refused);
  std::printf("  %" PRIu64 " replays compared, %" PRIu64 " idle turns judged, %" PRIu64 " pushes\n",
              c.replays_compared, c.idle_turns_judged, c.pushes);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::fprintf(stderr,
                 "usage: simulate [--seed N] [--lives N] [--seconds S] [--steps N] [--verbose]\n");
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto over = [&] {
    return options.seconds != 0 &&
           std::chrono::steady_clock::now() - begin >= std::chrono::seconds(options.seconds);
  };
  const uint64_t first = options.life.seed;
  uint64_t digest = 0, lives = 0;
  sim::Outcome::Counts sum;
  for (; lives < options.lives && !over(); ++lives, ++options.life.seed) {
    const sim::Outcome outcome = sim::live(options.life);
    digest = digest * 1'099'511'628'211u + outcome.digest;
    add(sum, outcome.counts);
    if (outcome.broken) {
      std::printf("seed %" PRIu64 " (life %" PRIu64 " from %" PRIu64
                  "): %s\nsee it again: simulate "
                  "--seed %" PRIu64 " --steps %" PRIu64 " --verbose\n",
                  options.life.seed, lives + 1, first, outcome.broken->c_str(), options.life.seed,
                  options.life.steps);
      return 1;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%" PRIu64 " lives from seed %" PRIu64 " kept every promise; digest %016" PRIx64
              "; %.1f s\n",
              lives, first, digest, took.count());
  print(sum);
  return 0;
}

#include "store/grants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <sstream>

#include "base/random.h"
#include "limit/testing.h"
#include "store/test_store.h"

namespace store {
namespace {

using limiter::DecidedBy;
using limiter::gcra;
using limiter::node;
using limiter::window;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Instance::More kGranted{.granted = true};

Options granted(uint16_t port, uint64_t seed) {
  Options options = test_options(port);
  options.seed = seed;
  return options;
}

int64_t script_calls(redis_bed::TestServer& server) {
  std::istringstream lines(server.command({"INFO", "commandstats"}));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("cmdstat_evalsha:calls=")) return std::stol(line.substr(22));
  }
  return 0;
}

// Instances whose clocks differ, and a store whose clock they never see; answers of the store that
// arrive late; strict charges beside grants; keys that grow cold and hot again. Worst of all, a
// storm: units are kept until their life is nearly over, then all that the store has is taken by
// strict charges, then all that was kept is spent, in one instant.
class Game {
 public:
  Game(redis_bed::TestServer& server, limit::Rate rate, int64_t burst, uint64_t seed)
      : rate_(rate), burst_(burst), random_(seed) {
    const auto law = gcra(rate.count, rate.period, burst);
    life_ = Law::make(*law.law)->grant_life();
    for (size_t i = 0; i < nodes_.size(); ++i) {
      Options options = granted(server.port(), 1000 * seed + i);
      options.prefix = "g" + std::to_string(seed);
      options.store_clock = &store_clock_;
      Node& each = nodes_[i];
      each.clock.set(store_clock_.now() + seconds(random_.below(20)) - seconds(10));
      each.instance =
          std::make_unique<Instance>(options, std::vector{node("k", "", {law})},
                                     Instance::More{.granted = true, .clock = &each.clock});
      each.instance->wait_until_up();
    }
  }

  void play(int steps) {
    for (int step = 0; step < steps; ++step) {
      if (random_.below(50) == 0) pace_ = 20 + random_.below(3000);
      if (random_.below(20) == 0) {
        storm();
      } else {
        wait(random_.below(150) == 0 ? base::Duration(milliseconds(1500))
                                     : microseconds(random_.below(pace_)));
        Instance& here = *nodes_[random_.below(nodes_.size())].instance;
        for (uint64_t n = 1 + random_.below(4); n > 0; --n)
          ask(here, random_.below(12) == 0 ? 1 + static_cast<int64_t>(random_.below(9)) : 1);
        if (random_.below(3) == 0) here.turn_if_ready();
      }
    }
  }
  bool kept() const { return limit::keeps(history_, rate_, burst_); }
  int64_t by_grant() const { return by_grant_; }

 private:
  struct Node {
    SetClock clock;
    std::unique_ptr<Instance> instance;
  };

  void wait(base::Duration span) {
    store_clock_.set(store_clock_.now() + span);
    for (Node& each : nodes_) each.clock.set(each.clock.now() + span);
  }
  bool ask(Instance& here, int64_t cost) {
    const Said got = here.decide(path_, cost);
    EXPECT_TRUE(got.by == DecidedBy::kStore || got.by == DecidedBy::kGrant);
    if (got.allowed) history_.push_back({base::nanoseconds(store_clock_.now()), cost});
    by_grant_ += got.allowed && got.by == DecidedBy::kGrant;
    return got.allowed && got.by == DecidedBy::kGrant;
  }
  void storm() {
    for (Node& each : nodes_) {
      for (int n = 0; n < 12; ++n) ask(*each.instance, 1);
      each.instance->turn_if_ready();
    }
    const int64_t most = whole_us(life_);
    wait(microseconds(random_.below(3) == 0 ? random_.below(static_cast<uint64_t>(3 * most))
                                            : static_cast<uint64_t>(most) - 1));
    Instance& here = *nodes_[random_.below(nodes_.size())].instance;
    for (int64_t cost = burst_; cost > 0; cost /= 2) {
      const auto opened = here.reserve(path_, cost);
      if (!opened || opened->id.empty()) continue;
      history_.push_back({base::nanoseconds(store_clock_.now()), cost});
    }
    for (Node& each : nodes_) {
      while (ask(*each.instance, 1)) {
      }
    }
  }

  const limit::Rate rate_;
  const int64_t burst_;
  base::Random random_;
  base::Duration life_{};
  SetClock store_clock_;
  std::array<Node, 3> nodes_;
  const Path path_{{{"k", "x"}}};
  uint64_t pace_ = 300;
  limit::History history_;
  int64_t by_grant_ = 0;
};

TEST(Grants, UnitsSpentKeepTheBoundOverEveryInterval) {
  redis_bed::TestServer server;
  struct Shape {
    limit::Rate rate;
    int64_t burst;
  };
  const Shape shapes[] = {{{10'000, seconds(1)}, 200},
                          {{7'000, milliseconds(700)}, 240},
                          {{100, milliseconds(3)}, 1000}};
  int64_t by_grant = 0;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    const Shape& shape = shapes[seed % std::size(shapes)];
    Game game(server, shape.rate, shape.burst, seed);
    game.play(300);
    ASSERT_TRUE(game.kept()) << "seed " << seed;
    by_grant += game.by_grant();
  }
  EXPECT_GT(by_grant, 500);
}

TEST(Grants, AHotKeyIsSpentHereAndUsedWhole) {
  redis_bed::TestServer server;
  const limit::Rate rate{2000, seconds(1)};
  constexpr int64_t kBurst = 4000;
  std::vector<std::unique_ptr<Instance>> all;
  for (uint64_t i = 0; i < 3; ++i) {
    all.push_back(std::make_unique<Instance>(
        granted(server.port(), i),
        std::vector{node("k", "", {gcra(rate.count, rate.period, kBurst)})}, kGranted));
    all.back()->wait_until_up();
  }
  const Path path{{{"k", "x"}}};
  const base::Clock& clock = all.front()->clock;
  const int64_t calls = script_calls(server);
  int64_t admitted = 0, asked = 0;
  const base::Time start = clock.now();
  while (clock.now() - start < milliseconds(1000)) {
    for (const auto& each : all) {
      for (int n = 0; n < 4; ++n, ++asked) admitted += each->decide(path).allowed;
      each->turn_if_ready();
    }
  }
  const double span = std::chrono::duration<double>(clock.now() - start).count();
  const double most = kBurst + 2000 * span;
  EXPECT_LE(static_cast<double>(admitted), most + 1);
  // How much is used in the long run is what the simulation measures (grants_sim_test.cc).
  if (static_cast<double>(asked) > 3 * most) {
    EXPECT_GE(static_cast<double>(admitted), 0.9 * (most - kBurst / 4.0));
  }
  EXPECT_LT((script_calls(server) - calls) * 10, admitted);
  RecordProperty("asked", std::to_string(asked));
}

TEST(Grants, KeysThatAreHotTogetherAreRenewedTogether) {
  redis_bed::TestServer server;
  constexpr int kKeys = 16, kSteps = 2000;
  SetClock clock, store_clock;
  Options options = granted(server.port(), 1);
  options.store_clock = &store_clock;
  Instance here(options, std::vector{node("k", "", {gcra(2000, seconds(1), 2000)})},
                {.granted = true, .clock = &clock});
  here.wait_until_up();
  // A key begins when others are at any place in their blocks.
  int64_t begun = 0;
  for (int step = 0; step < kSteps; ++step) {
    clock.set(clock.now() + milliseconds(1));
    store_clock.set(store_clock.now() + milliseconds(1));
    if (step == kSteps / 2) begun = script_calls(server);
    for (int i = 0; i < std::min(kKeys, 1 + step / 30); ++i)
      EXPECT_TRUE(here.decide({{{"k", std::to_string(i)}}}).allowed);
    here.turn_if_ready();
  }
  // A block lasts an eighth of a second: alone, each key would have made eight calls.
  EXPECT_LT(script_calls(server) - begun, 8 * kKeys / 3);
}

// Until an ask is answered by grants alone.
void make_hot(Instance& here, const Path& path) {
  const base::Time start = here.clock.now();
  while (here.decide(path).by != DecidedBy::kGrant) {
    here.turn_if_ready();
    ASSERT_LT(here.clock.now() - start, seconds(5));
  }
}

TEST(Grants, ABlockStopsAKeyThatIsHotWithinALife) {
  redis_bed::TestServer server;
  const auto nodes = [] { return std::vector{node("k", "", {gcra(2000, seconds(1), 4000)})}; };
  Instance a(granted(server.port(), 1), nodes(), kGranted);
  Instance b(granted(server.port(), 2), nodes(), kGranted);
  a.wait_until_up();
  b.wait_until_up();
  const Path path{{{"k", "x"}}};
  make_hot(a, path);
  ASSERT_TRUE(b.block(path, seconds(30)));
  const base::Time blocked = a.clock.now();
  Said got;
  while ((got = a.decide(path)).limited_by != "blocked") {
    a.turn_if_ready();
    ASSERT_LT(a.clock.now() - blocked, seconds(2));
  }
  EXPECT_FALSE(a.decide(path).allowed);
}

TEST(Grants, UnitsOfAMixedAskArePutBackIfTheStrictPartRefuses) {
  redis_bed::TestServer server;
  auto few = window(20, std::chrono::hours(1));
  few.mode = limiter::Mode::kStrict;
  Instance a(granted(server.port(), 1),
             {node("k", "", {gcra(400, seconds(1), 4000)}), node("s", "", {few})}, kGranted);
  a.wait_until_up();
  const Path granted_alone{{{"k", "x"}}}, both{{{"k", "x"}}, {{"s", "y"}}};
  make_hot(a, granted_alone);
  int allowed = 0;
  for (int i = 0; i < 25; ++i) allowed += a.decide(both).allowed;
  EXPECT_EQ(allowed, 20);
  const int64_t before = a.decide(granted_alone).numbers.remaining;
  for (int i = 0; i < 500; ++i) {
    const Said got = a.decide(both);
    EXPECT_FALSE(got.allowed);
    EXPECT_EQ(got.limited_by, "s");
  }
  EXPECT_GT(a.decide(granted_alone).numbers.remaining, before - 250);
}

TEST(Grants, SeveralGrantedLimitsOfOneAskNeedNoCall) {
  redis_bed::TestServer server;
  Instance a(granted(server.port(), 1),
             {node("k", "", {gcra(2000, seconds(1), 4000)}),
              node("w", "", {window(100'000, std::chrono::hours(1))})},
             kGranted);
  a.wait_until_up();
  make_hot(a, Path{{{"k", "x"}}, {{"w", "y"}}});
  const Said got = a.decide(Path{{{"k", "x"}}, {{"w", "y"}}});
  EXPECT_TRUE(got.allowed);
  ASSERT_EQ(got.rows.size(), 2u);
  EXPECT_EQ(got.rows[1].limit, 100'000);
}

TEST(Grants, AWindowIsUsedUpAndNoMore) {
  redis_bed::TestServer server;
  Instance a(granted(server.port(), 1), {node("k", "", {window(3000, std::chrono::hours(1))})},
             kGranted);
  a.wait_until_up();
  int64_t admitted = 0, by_grant = 0;
  for (int i = 0; i < 3200; ++i) {
    const Said got = a.decide(Path{{{"k", "x"}}});
    admitted += got.allowed;
    by_grant += got.by == DecidedBy::kGrant;
    a.turn_if_ready();
  }
  EXPECT_LE(admitted, 3000);
  EXPECT_GE(admitted, 2900);
  EXPECT_GT(by_grant, 1000);
}

TEST(Grants, ALimitTooSmallForABlockStaysStrict) {
  redis_bed::TestServer server;
  Instance a(granted(server.port(), 1), {node("k", "", {gcra(20, seconds(1), 20)})}, kGranted);
  a.wait_until_up();
  for (int i = 0; i < 20; ++i) {
    const Said got = a.decide(Path{{{"k", "x"}}});
    EXPECT_TRUE(got.allowed);
    EXPECT_EQ(got.by, DecidedBy::kStore);
  }
}

}  // namespace
}  // namespace store

// The store that the simulation of grants plays with, and the scripts in a real Redis, told the
// same instants, must say the same.
#include "store/model_store.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "store/script_bed.h"

namespace store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class RealStore {
 public:
  explicit RealStore(uint16_t port) : bed_(port) {}

  bool charge(const Law& law, int64_t now, int64_t cost) {
    std::string rest;
    put_short(rest, 1);
    put_byte(rest, 4 | 32);  // Charge; the last one.
    put_byte(rest, 0);
    put_number(rest, cost);
    return bed_.run(decide_script(), law, now, rest).at(8) == 1;
  }
  Grants::Granted grant(const Law& law, int64_t now, int64_t units) {
    const std::string got =
        bed_.run(settle_script(), law, now, put_change(7, units, whole_us(law.grant_life())));
    return {number_at(got, 8), number_at(got, 16), number_at(got, 24), number_at(got, 32)};
  }
  void give_back(const Law& law, int64_t now, int64_t units, int64_t charged) {
    bed_.run(settle_script(), law, now, put_change(8, units, charged));
  }

 private:
  ScriptBed bed_;
};

struct Played {
  Law law;
  ModelStore::Terms terms;
};

Played gcra(limit::Rate rate, int64_t burst) {
  const Law law = Law::make(*limiter::gcra(rate.count, rate.period, burst).law).value();
  return {law, ModelStore::gcra(rate, burst, whole_us(law.grant_life()))};
}
Played window(limit::Rate rate) {
  return {Law::make(*limiter::window(rate.count, rate.period).law).value(),
          ModelStore::window(rate)};
}

// Random charges, grants and returns; the clock is stepped, and the limit changes.
void play(const std::vector<Played>& limits, uint64_t seed, int64_t step_us) {
  redis_bed::TestServer server;
  RealStore real(server.port());
  ModelStore model;
  base::Random random(seed);
  const auto below = [&](int64_t n) {
    return static_cast<int64_t>(random.below(static_cast<uint64_t>(n)));
  };
  int64_t now = 1'763'788'000'123'456;
  size_t limit = 0;
  std::vector<std::pair<int64_t, int64_t>> out;  // Grants: units, when.
  for (int i = 0; i < 1500; ++i) {
    now += below(step_us);
    if (below(30) == 0) now += below(40 * step_us) - 15 * step_us;
    if (below(50) == 0) limit = random.below(limits.size());
    const Played& played = limits[limit];
    const int64_t units = 1 + below(below(4) == 0 ? played.terms.burst : 12);
    if (below(3) != 0) {
      ASSERT_EQ(real.charge(played.law, now, units), model.charge(played.terms, now, units)) << i;
    } else if (out.empty() || below(2) != 0) {
      const Grants::Granted a = real.grant(played.law, now, units);
      const Grants::Granted b = model.grant(played.terms, now, units);
      ASSERT_EQ(a.units, b.units) << i;
      ASSERT_EQ(a.room, b.room) << i;
      ASSERT_EQ(a.charged_us, b.charged_us) << i;
      ASSERT_EQ(a.window_us, b.window_us) << i;
      if (a.units > 0) out.emplace_back(a.units, a.charged_us);
    } else {
      const auto [n, when] = out.back();
      out.pop_back();
      const int64_t back = 1 + below(n);
      real.give_back(played.law, now, back, when);
      model.give_back(played.terms, now, back, when);
    }
  }
}

TEST(ModelStore, AGcraSaysWhatARealRedisSays) {
  play({gcra({2000, seconds(1)}, 400), gcra({2000, seconds(1)}, 250),
        gcra({333, milliseconds(70)}, 700)},
       1, 3000);
}

TEST(ModelStore, AWindowSaysWhatARealRedisSays) {
  play({window({400, milliseconds(50)}), window({90, milliseconds(50)})}, 2, 3000);
}

}  // namespace
}  // namespace store

// A sliding log in a real Redis, told random histories, answers what limit::SlidingLog answers, to
// the microsecond; while it grows from its value into a list, and comes back.
#include <gtest/gtest.h>

#include "base/random.h"
#include "store/script_bed.h"

namespace store {
namespace {

using limit::Decision;
using limit::LogState;
using limit::SlidingLog;

struct Terms {
  int64_t count, period_us;
  Law stored() const {
    const base::Duration period = std::chrono::microseconds(period_us);
    return Law::make(SlidingLog::make({count, period}).value()).value();
  }
  SlidingLog embedded() const {  // Told microseconds.
    return SlidingLog::make({count, base::Duration(period_us)}).value();
  }
};

base::Time tick(int64_t us) { return base::time_from(us); }

std::string text(const Decision& d) {
  return (d.allowed ? "allowed" : "refused") + std::string(" of ") + std::to_string(d.limit) +
         " remaining " + std::to_string(d.remaining) + " retry " +
         std::to_string(d.retry_after.count()) + " reset " + std::to_string(d.reset_after.count());
}

// The embedded law. A state of another period is one charge of now, for as long as nobody charges.
class Model {
 public:
  void tell(const Terms& terms, int64_t now) {
    law_ = terms.embedded();
    now_ = now;
    seen_ = state_;
    if (law_.rate().period != charged_by_.rate().period)
      seen_ = law_.with_used(charged_by_.used(state_, tick(now)), tick(now));
  }
  Decision decide(int64_t cost) {
    const Decision decision = law_.check(seen_, tick(now_), cost);
    if (decision.allowed && cost > 0) {
      law_.charge(seen_, tick(now_), cost);
      keep();
    }
    return decision;
  }
  int64_t charge_over(int64_t units, int64_t over) {
    const int64_t charged = law_.charge_over(seen_, tick(now_), units, over);
    if (charged > 0) keep();
    return charged;
  }
  void give_back(int64_t units, int64_t charged_us) {
    const int64_t before = law_.used(seen_, tick(now_));
    law_.give_back(seen_, tick(charged_us), units, tick(now_));
    if (law_.used(seen_, tick(now_)) != before) keep();
  }

 private:
  void keep() {
    state_ = seen_;
    charged_by_ = law_;
  }
  SlidingLog law_ = Terms{1, 1}.embedded(), charged_by_ = law_;
  LogState state_, seen_;
  int64_t now_ = 0;
};

struct Charged {
  int64_t units, at_us;
};

class Duel {
 public:
  explicit Duel(uint64_t seed) : bed_(server_.port()), random_(seed) {}

  void play(const std::vector<Terms>& limits, int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      const ::testing::ScopedTrace trace(__FILE__, __LINE__, "step " + std::to_string(i));
      if (below(80) == 0) limit_ = static_cast<size_t>(below(static_cast<int64_t>(limits.size())));
      step(limits[limit_]);
      look();
    }
  }

  int into_lists = 0, out_of_lists = 0, allowed = 0, refused = 0, backs = 0, overs = 0;

 private:
  static std::string list() { return ScriptBed::kKey + std::string("l"); }
  int64_t below(int64_t n) {
    return static_cast<int64_t>(random_.below(static_cast<uint64_t>(std::max<int64_t>(n, 1))));
  }

  // Crowded times make long logs, quiet ones short ones.
  void step(const Terms& terms) {
    if (below(40) == 0) wait_us_ = 1 + terms.period_us / (below(3) == 0 ? 1 + below(5) : 40);
    if (below(4) != 0) now_ += below(wait_us_);
    if (below(30) == 0) now_ -= below(8 * wait_us_);  // Stepped back.
    if (below(300) == 0) now_ += 2 * terms.period_us;
    model_.tell(terms, now_);
    if (below(4) != 0) {
      decide(terms);
    } else {
      settle(terms);
    }
  }

  // A few decisions in one call.
  void decide(const Terms& terms) {
    std::string rest;
    std::vector<int64_t> costs;
    for (int64_t n = below(3); n >= 0; --n)
      costs.push_back(below(below(30) == 0 ? terms.count : 3));
    for (const int64_t cost : costs) {
      put_short(rest, 1);
      put_byte(rest, 4 | 32);  // Charge; the last one.
      put_byte(rest, 0);
      put_number(rest, cost);
    }
    const Law law = terms.stored();
    const std::string got = bed_.run(decide_script(), law, now_, rest);
    for (size_t i = 0; i < costs.size(); ++i) compare(terms, law, costs[i], got.substr(8 + 25 * i));
  }

  void compare(const Terms& terms, const Law& law, int64_t cost, const std::string& got) {
    const Seen seen{.allowed = got.at(0) == 1,
                    .a = number_at(got, 1),
                    .b = number_at(got, 9),
                    .c = number_at(got, 17),
                    .now = now_};
    const Decision stored = law.decide(seen, now_, cost);
    Decision embedded = model_.decide(cost);
    if (embedded.retry_after != limit::kNever)
      embedded.retry_after = from_us(embedded.retry_after.count());
    EXPECT_EQ(seen.allowed, embedded.allowed);
    const int64_t at = now_ + embedded.reset_after.count() - terms.period_us;
    embedded.reset_after = from_us(embedded.reset_after.count());
    EXPECT_EQ(text(stored), text(embedded));
    ++(embedded.allowed ? allowed : refused);
    if (embedded.allowed && cost > 0) charged_.push_back({cost, at});
  }

  void settle(const Terms& terms) {
    std::string rest;
    std::vector<int64_t> expected;
    for (int64_t n = below(3); n >= 0; --n) {
      if (below(4) == 0) {
        const int64_t units = below(6), over = below(5);
        rest += put_change(2, units, over);
        expected.push_back(model_.charge_over(units, over));
        overs += expected.back() > 0;
      } else if (!charged_.empty()) {
        const size_t which = charged_.size() - 1 -
                             static_cast<size_t>(below(
                                 std::min<int64_t>(static_cast<int64_t>(charged_.size()), 40)));
        const int64_t units = 1 + below(charged_[which].units + 1);
        rest += put_change(1, units, charged_[which].at_us);
        model_.give_back(units, charged_[which].at_us);
        expected.push_back(0);
        ++backs;
      }
    }
    const std::string got = bed_.run(settle_script(), terms.stored(), now_, rest);
    ASSERT_EQ(got.size(), 8 + 8 * expected.size());
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(number_at(got, 8 + 8 * i), expected[i]);
  }

  void look() {
    const std::string held = server_.command({"STRLEN", ScriptBed::kKey});
    const bool in_list = held == "41";
    EXPECT_LE(std::stol(held), 41 + 16 * 16);
    if (in_list && !in_list_) ++into_lists;
    if (!in_list && in_list_ && held != "0") ++out_of_lists;
    in_list_ = in_list;
  }

  redis_bed::TestServer server_;
  ScriptBed bed_;
  base::Random random_;
  Model model_;
  size_t limit_ = 0;
  int64_t now_ = 1'763'788'000'123'456, wait_us_ = 1000;
  std::vector<Charged> charged_;
  bool in_list_ = false;
};

TEST(ScriptLog, SaysWhatTheEmbeddedLogSaysInAndOutOfItsList) {
  Duel duel(1);
  duel.play({{60, 50'000}}, 6000);
  EXPECT_GT(duel.into_lists, 8);
  EXPECT_GT(duel.out_of_lists, 8);
}

TEST(ScriptLog, SaysItWhilePeriodsAndCountsChange) {
  Duel duel(2);
  duel.play({{60, 50'000}, {30, 50'000}, {45, 20'000}, {200, 90'000}}, 6000);
  EXPECT_GT(duel.into_lists, 8);
  EXPECT_GT(duel.out_of_lists, 8);
  EXPECT_GT(duel.refused, 100);
}

}  // namespace
}  // namespace store

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

constexpr int64_t kNow = 1'763'788'000'123'456;
const std::string kList = ScriptBed::kKey + std::string("l");

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

// ARGV[5] of one decision, and what is answered of the decision `n`. (script.h)
std::string hit(int64_t cost) {
  std::string out;
  put_short(out, 1);
  put_byte(out, 4 | 32);  // Charge; the last one.
  put_byte(out, 0);
  put_number(out, cost);
  return out;
}
Seen seen_at(std::string_view answer, size_t n) {
  const std::string_view row = answer.substr(8 + 25 * n, 25);
  return {.allowed = row.at(0) == 1,
          .a = number_at(row, 1),
          .b = number_at(row, 9),
          .c = number_at(row, 17),
          .now = number_at(answer, 0)};
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
  int64_t below(int64_t n) {
    return static_cast<int64_t>(random_.below(static_cast<uint64_t>(std::max<int64_t>(n, 1))));
  }

  // Crowded times make long logs, quiet ones short ones.
  void step(const Terms& terms) {
    if (below(90) == 0) wait_us_ = 1 + terms.period_us / (below(2) == 0 ? 1 + below(5) : 80);
    if (below(8) != 0) now_ += below(wait_us_);
    if (below(40) == 0) now_ -= below(8 * wait_us_);  // Stepped back.
    if (below(300) == 0) now_ += 2 * terms.period_us;
    model_.tell(terms, now_);
    if (below(6) != 0) {
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
    for (const int64_t cost : costs) rest += hit(cost);
    const std::string got = bed_.run(decide_script(), terms.stored(), now_, rest);
    for (size_t i = 0; i < costs.size(); ++i) compare(terms, seen_at(got, i), costs[i]);
  }

  void compare(const Terms& terms, const Seen& seen, int64_t cost) {
    const Decision stored = terms.stored().decide(seen, now_, cost);
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
    EXPECT_LE(std::stol(held), 41 + 32 * 16);
    if (in_list && !in_list_) ++into_lists;
    if (!in_list && in_list_ && held != "0") ++out_of_lists;
    in_list_ = in_list;
  }

  redis_bed::TestServer server_;
  ScriptBed bed_;
  base::Random random_;
  Model model_;
  size_t limit_ = 0;
  int64_t now_ = kNow, wait_us_ = 1000;
  std::vector<Charged> charged_;
  bool in_list_ = false;
};

TEST(ScriptLog, SaysWhatTheEmbeddedLogSaysInAndOutOfItsList) {
  Duel duel(1);
  duel.play({{120, 50'000}}, 8000);
  EXPECT_GT(duel.into_lists, 4);
  EXPECT_GT(duel.out_of_lists, 4);
}

TEST(ScriptLog, SaysItWhilePeriodsAndCountsChange) {
  Duel duel(2);
  duel.play({{120, 50'000}, {60, 50'000}, {90, 20'000}, {200, 90'000}}, 8000);
  EXPECT_GT(duel.into_lists, 4);
  EXPECT_GT(duel.out_of_lists, 4);
  EXPECT_GT(duel.refused, 100);
}

// Charges one unit every microsecond.
void fill(ScriptBed& bed, const Terms& terms, int64_t entries) {
  for (int64_t i = 0; i < entries; ++i)
    ASSERT_TRUE(seen_at(bed.run(decide_script(), terms.stored(), kNow + i, hit(1)), 0).allowed);
}

Seen decide(ScriptBed& bed, const Terms& terms, int64_t after_us, int64_t cost) {
  return seen_at(bed.run(decide_script(), terms.stored(), kNow + after_us, hit(cost)), 0);
}

TEST(ScriptLog, ChangesInOneCallSeeEachOther) {
  redis_bed::TestServer server;
  ScriptBed bed(server.port());
  const Terms terms{10, 50'000};
  fill(bed, terms, 1);
  const std::string got =
      bed.run(settle_script(), terms.stored(), kNow + 9,
              put_change(2, 5, 0) + put_change(2, 6, 1) + put_change(1, 1, kNow));
  EXPECT_EQ(number_at(got, 8), 5);
  EXPECT_EQ(number_at(got, 16), 5);  // 1 and 5 were there; 10 and 1 are the bound.
  EXPECT_EQ(decide(bed, terms, 50'000, 0).a, 10);
  EXPECT_EQ(decide(bed, terms, 50'009, 0).a, 0);
}

TEST(ScriptLog, OnlyManyThatHaveLeftAreDroppedWithoutACharge) {
  redis_bed::TestServer server;
  ScriptBed bed(server.port());
  const Terms terms{1000, 50'000};
  fill(bed, terms, 700);
  EXPECT_EQ(decide(bed, terms, 50'400, 0).a, 299);
  EXPECT_EQ(server.command({"LLEN", kList}), "700");
  EXPECT_EQ(decide(bed, terms, 50'689, 0).a, 10);
  EXPECT_EQ(server.command({"LLEN", kList}), "10");
  EXPECT_EQ(decide(bed, terms, 50'690, 0).a, 9);
  EXPECT_TRUE(decide(bed, terms, 50'700, 1000).allowed);
}

TEST(ScriptLog, AListThatRedisLostIsNoFault) {
  redis_bed::TestServer server;
  ScriptBed bed(server.port());
  const Terms terms{100, 50'000};
  fill(bed, terms, 50);
  ASSERT_EQ(server.command({"DEL", kList}), "1");
  EXPECT_EQ(decide(bed, terms, 100, 1).a, 50);  // As its value says.
  EXPECT_FALSE(decide(bed, terms, 110, 60).allowed);
  EXPECT_EQ(decide(bed, terms, 60'000, 1).a, 0);
}

TEST(ScriptLog, ForgettingAKeyForgetsItsList) {
  redis_bed::TestServer server;
  limiter::LimitSpec spec;
  spec.algorithm = "sliding_window";
  spec.rate = {100, std::chrono::hours(1)};
  spec.law = SlidingLog::make(spec.rate).value();
  Instance a(test_options(server.port()), {limiter::node("k", "", {spec})});
  a.wait_until_up();
  const Path path{{{"k", "x"}}};
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(a.decide(path).allowed);
  EXPECT_EQ(server.command({"DBSIZE"}), "3");
  EXPECT_EQ(a.decide(path, 0).numbers.remaining, 40);
  ASSERT_TRUE(a.forget(path));
  EXPECT_EQ(server.command({"DBSIZE"}), "1");  // Who is there.
  EXPECT_EQ(a.decide(path, 0).numbers.remaining, 100);
}

}  // namespace
}  // namespace store

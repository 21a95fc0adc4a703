// Five laws, two stores: the embedded limiter, told the store's time, and a real Redis play the
// same histories and must give the same answers, to the microsecond.
//
// One difference has a name. A GCRA in memory that is charged 0 units while idle notes the instant,
// so that after a clock that steps back it is that much ahead; the store notes nothing. Both keep
// the bound. (The process's clock never steps back; a store's may.) Histories charge at least 1.
//
// Nothing is rounded differently: states are exact rationals in both, instants are whole
// microseconds, and what the embedded limiter says in nanoseconds is rounded up to microseconds, as
// a hint must be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "base/random.h"
#include "store/law.h"
#include "store/test_store.h"

namespace store {
namespace {

using limiter::LimitSpec;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

LimitSpec counter(int64_t count, base::Duration period) {
  LimitSpec spec;
  spec.algorithm = "sliding_counter";
  spec.rate = {count, period};
  spec.law = limit::SlidingCounter::make(spec.rate).value();
  return spec;
}

LimitSpec log(int64_t count, base::Duration period) {
  LimitSpec spec;
  spec.algorithm = "sliding_window";
  spec.rate = {count, period};
  spec.law = limit::SlidingLog::make(spec.rate).value();
  return spec;
}

LimitSpec calendar(int64_t count, limit::CalendarUnit unit) {
  // An hour is skipped and an hour comes twice within the days that histories play on.
  auto zone = std::make_shared<limit::Zone>();
  zone->name = "Test/Zone";
  const base::Time start = SetClock().now();
  zone->first_offset = hours(1);
  zone->changes = {{start + hours(20), hours(2)}, {start + hours(70), hours(1)}};
  LimitSpec spec;
  spec.algorithm = "calendar";
  spec.law = limit::FixedWindow::make_calendar(count, unit, std::move(zone)).value();
  spec.rate = {count, hours(24)};
  return spec;
}

// What a law is played with.
struct Played {
  std::string name;
  std::vector<LimitSpec> limits;
  base::Duration wait_max;
  int64_t cost_max;
  bool holds = false;
};

std::vector<Played> all_played() {
  LimitSpec loose = limiter::gcra(7, milliseconds(3), 9);
  loose.overdraft = 4;
  LimitSpec shadow = limiter::named("shadow", limiter::window(4, seconds(1)));
  shadow.shadow = true;
  LimitSpec quota_a = limiter::named("quota_a", limiter::gcra(3, seconds(1), 2));
  LimitSpec quota_b = limiter::named("quota_b", limiter::window(5, seconds(1)));
  quota_a.quota = quota_b.quota = true;
  LimitSpec requests = limiter::named("requests", counter(6, seconds(1)));
  requests.counts = limiter::Counts::kRequests;
  return {
      {"gcra 10/s burst 10", {limiter::gcra(10, seconds(1), 10)}, milliseconds(300), 12},
      {"gcra 7/3ms burst 9, overdraft 4", {loose}, microseconds(900), 11},
      {"gcra 1000003/7s burst 50000",
       {limiter::gcra(1'000'003, seconds(7), 50'000)},
       milliseconds(100),
       60'000},
      {"fixed window 5/s", {limiter::window(5, seconds(1))}, milliseconds(400), 6},
      {"fixed window 3/7ms", {limiter::window(3, milliseconds(7))}, milliseconds(3), 3},
      {"calendar day 6, two changes of the clock",
       {calendar(6, limit::CalendarUnit::kDay)},
       hours(9),
       4},
      {"calendar week 9", {calendar(9, limit::CalendarUnit::kWeek)}, hours(40), 5},
      {"sliding counter 10/s", {counter(10, seconds(1))}, milliseconds(400), 7},
      {"sliding counter 100000/13ms",
       {counter(100'000, milliseconds(13))},
       milliseconds(5),
       70'000},
      {"sliding log 5/s", {log(5, seconds(1))}, milliseconds(300), 4},
      {"sliding log 300/50ms", {log(300, milliseconds(50))}, milliseconds(4), 40},
      {"sliding log 40/50ms, its value and its list",
       {log(40, milliseconds(50))},
       milliseconds(3),
       2},
      {"concurrency 4", {limiter::concurrency(4, seconds(3))}, milliseconds(500), 1, true},
      {"all five at once, a shadow and a quota",
       {limiter::named("a", limiter::gcra(9, seconds(1), 6)),
        limiter::named("b", limiter::window(8, seconds(2))), requests,
        limiter::named("d", log(7, seconds(1))), limiter::named("e", limiter::concurrency(3)),
        shadow, quota_a, quota_b},
       milliseconds(400),
       3,
       true},
  };
}

struct Numbers {  // What must be equal; times in microseconds.
  bool allowed;
  int64_t limit, remaining, retry_us, reset_us;
  friend bool operator==(const Numbers&, const Numbers&) = default;
};

Numbers numbers(const limit::Decision& d) {
  return {d.allowed, d.limit, d.remaining,
          d.retry_after == limit::kNever ? -1 : ceil_us(d.retry_after), ceil_us(d.reset_after)};
}

std::ostream& operator<<(std::ostream& out, const Numbers& n) {
  return out << (n.allowed ? "allowed" : "refused") << " limit " << n.limit << " remaining "
             << n.remaining << " retry " << n.retry_us << "us reset " << n.reset_us << "us";
}

class Duel {
 public:
  Duel(const Played& played, uint16_t port, uint64_t seed, base::Time start)
      : played_(played),
        random_(seed),
        embedded_(nodes(played)),
        store_(options(port, seed), nodes(played)) {
    now_ = start;
    store_.wait_until_up();
  }

  void play(int steps) {
    for (int i = 0; i < steps; ++i) {
      wait();
      step();
      if (::testing::Test::HasFailure()) {
        ADD_FAILURE() << played_.name << ", step " << i;
        return;
      }
    }
  }
  int64_t compared() const { return compared_; }
  int64_t allowed() const { return allowed_; }

 private:
  static std::vector<limiter::NodeSpec> nodes(const Played& played) {
    return {limiter::node("k", "", played.limits)};
  }
  Options options(uint16_t port, uint64_t seed) {
    Options options = test_options(port);
    options.prefix = "contract" + std::to_string(seed);
    options.store_clock = &clock_;
    return options;
  }

  void wait() {
    const auto longest = static_cast<uint64_t>(whole_us(played_.wait_max));
    if (random_.below(4) != 0) now_ += microseconds(random_.below(longest));
    if (random_.below(40) == 0) now_ -= microseconds(random_.below(longest));  // Stepped back.
    if (random_.below(60) == 0) now_ += 20 * played_.wait_max;
    clock_.set(now_);
  }

  void same(const limit::Decision& embedded, const limit::Decision& stored, const char* what) {
    ++compared_;
    EXPECT_EQ(numbers(embedded), numbers(stored)) << what;
  }

  void step() {
    const uint64_t what = random_.below(10);
    if (what < 5 || (what < 9 && opened_.size() > 20)) return decide(random_.below(8) == 0);
    if (played_.holds && what == 5) return acquire();
    if (what < 7) return reserve();
    if (opened_.empty()) return decide(false);
    end(random_.below(opened_.size()));
  }

  int64_t any_cost() {
    return static_cast<int64_t>(random_.below(static_cast<uint64_t>(played_.cost_max) + 2));
  }

  void decide(bool dry) {
    const Path path{{{"k", random_.below(8) == 0 ? "other" : "x"}}};
    const int64_t cost = dry ? any_cost() : std::max<int64_t>(any_cost(), 1);
    const limiter::Ask ask{.domain = "d", .descriptors = path.get(), .cost = cost, .dry_run = dry};
    const Said embedded = said(embedded_.decide(ask, now_));
    const Said stored = store_.decide(ask);
    EXPECT_EQ(stored.by, limiter::DecidedBy::kStore);
    EXPECT_EQ(embedded.limited_by, stored.limited_by);
    EXPECT_EQ(embedded.nearest, stored.nearest);
    same(embedded.numbers, stored.numbers, "numbers");
    ASSERT_EQ(embedded.rows.size(), stored.rows.size());
    for (size_t i = 0; i < embedded.rows.size(); ++i) {
      same(embedded.rows[i], stored.rows[i], dry ? "row of a dry run" : "row");
    }
    allowed_ += embedded.allowed;
  }

  struct Open {
    std::string embedded, stored;
    bool hold;
  };

  void opened(const Instance::Opened& embedded, const Instance::Opened& stored, bool hold) {
    ASSERT_TRUE(embedded) << embedded.error().what;
    ASSERT_TRUE(stored) << stored.error().what;
    ASSERT_EQ(embedded->id.empty(), stored->id.empty());
    EXPECT_EQ(embedded->limited_by, stored->limited_by);
    same(embedded->numbers, stored->numbers, hold ? "acquire" : "reserve");
    if (!embedded->id.empty()) opened_.push_back({embedded->id, stored->id, hold});
  }

  void reserve() {
    const Path path{{{"k", "x"}}};
    const int64_t cost = any_cost();
    opened(embedded_.limiter.reserve({.domain = "d", .descriptors = path.get(), .cost = cost},
                                     hours(1), now_),
           store_.reserve(path, cost), false);
  }

  void acquire() {
    const Path path{{{"k", "x"}}};
    const base::Duration ttl = microseconds(1 + random_.below(2'000'000));
    opened(embedded_.limiter.acquire({.domain = "d", .descriptors = path.get()}, ttl, now_),
           store_.acquire(path, ttl), true);
  }

  void end(size_t which) {
    const Open open = opened_[which];
    opened_.erase(opened_.begin() + static_cast<ptrdiff_t>(which));
    ++compared_;
    if (open.hold) return end_hold(open);
    // A record in the store lives by the real clock: one that is over by the test's is left alone.
    if (random_.below(3) == 0) {
      if (!embedded_.limiter.cancel(open.embedded, now_)) return;
      EXPECT_TRUE(store_.cancel(open.stored));
      return;
    }
    const auto cost = random_.below(4) == 0 ? std::nullopt : std::optional(any_cost());
    const auto embedded = embedded_.limiter.commit(open.embedded, cost, now_);
    if (!embedded) return;
    const auto stored = store_.commit(open.stored, cost);
    ASSERT_TRUE(stored) << stored.error().what;
    EXPECT_EQ(*embedded, *stored) << "commit";
  }

  void end_hold(const Open& open) {
    const bool renews = random_.below(2) == 0;
    const base::Duration ttl = microseconds(1 + random_.below(2'000'000));
    const auto embedded = renews ? embedded_.limiter.renew(open.embedded, ttl, now_)
                                 : embedded_.limiter.release(open.embedded, now_);
    const auto stored = renews ? store_.renew(open.stored, ttl) : store_.release(open.stored);
    if (renews) {
      EXPECT_EQ(embedded.has_value(), stored.has_value()) << "renew";
      if (embedded) opened_.push_back(open);
    }
  }

  const Played& played_;
  base::Random random_;
  SetClock clock_;
  base::Time now_;
  limiter::TestLimiter embedded_;
  Instance store_;
  std::vector<Open> opened_;
  int64_t compared_ = 0, allowed_ = 0;
};

TEST(Contract, FiveLawsGiveTheSameAnswersInMemoryAndInRedis) {
  redis_bed::TestServer server;
  constexpr int kHistories = 4, kSteps = 100;
  std::printf("%-45s %10s %10s %10s\n", "law", "compared", "allowed", "differing");
  uint64_t seed = 1;
  for (const Played& played : all_played()) {
    int64_t compared = 0, allowed = 0;
    for (int i = 0; i < kHistories; ++i) {
      Duel duel(played, server.port(), seed++, SetClock().now() + i * hours(3));
      duel.play(kSteps);
      compared += duel.compared();
      allowed += duel.allowed();
    }
    std::printf("%-45s %10ld %10ld %10s\n", played.name.c_str(), compared, allowed,
                ::testing::Test::HasFailure() ? "SOME" : "0");
    ASSERT_FALSE(::testing::Test::HasFailure());
    EXPECT_GT(allowed, 0);
  }
}

}  // namespace
}  // namespace store

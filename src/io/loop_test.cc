#include "io/loop.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>
#include <vector>

#include "io/clock.h"
#include "io/socket.h"

namespace io {
namespace {

TEST(SystemClock, StartsAtTheWallClockAndNeverGoesBack) {
  const base::Time before = wall_clock();
  const SystemClock clock;
  base::Time last = clock.now();
  EXPECT_GE(last, before - std::chrono::seconds(1));
  for (int i = 0; i < 10'000; ++i) {
    const base::Time now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(SystemClock, StartsNoEarlierThanItsFloor) {
  const base::Time floor = wall_clock() + std::chrono::hours(24);
  EXPECT_GE(SystemClock(floor).now(), floor);
  EXPECT_LT(SystemClock(floor).now(), floor + std::chrono::hours(1));
}

// With Asio on the thread or without: a loop behaves the same.
class LoopTest : public testing::TestWithParam<bool> {
 protected:
  LoopTest() {
    if (GetParam()) loop_.context();
  }
  Loop loop_;
};

TEST_P(LoopTest, RunsWhatOtherThreadsPostInTheirOrder) {
  std::vector<int> seen;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) loop_.post([&, i] { seen.push_back(i); });
    loop_.stop();
  });
  loop_.run();
  other.join();
  ASSERT_EQ(seen.size(), 1000u);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

TEST_P(LoopTest, ATaskMayPostAnother) {
  loop_.post([&] { loop_.post([&] { loop_.stop(); }); });
  loop_.run();
}

TEST_P(LoopTest, TimersComeAgainAndDelayedTasksOnce) {
  int ticks = 0, once = 0;
  loop_.after(std::chrono::milliseconds(1), [&] { ++once; });
  loop_.every(std::chrono::milliseconds(1), [&] {
    if (++ticks == 20 && once > 0) loop_.stop();
    if (ticks == 20 && once == 0) ticks = 0;
  });
  loop_.run();
  EXPECT_EQ(once, 1);
}

struct Ear : Source {
  explicit Ear(std::function<void(uint8_t)> heard) : on(std::move(heard)) {}
  void on_ready(uint8_t ready) override { on(ready); }
  std::function<void(uint8_t)> on;
};

struct Pair {
  Pair() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()), 0);
    near = Fd(fds[0]);
    far = Fd(fds[1]);
  }
  Fd near, far;
};

TEST_P(LoopTest, ASourceHearsOfBytesUntilTheyAreRead) {
  Pair pair;
  int heard = 0;
  Ear ear([&](uint8_t ready) {
    EXPECT_EQ(ready, kReadable);
    if (++heard == 3) loop_.stop();
  });
  ASSERT_TRUE(loop_.poll().add(pair.near.get(), kReadable, ear));
  ASSERT_EQ(::write(pair.far.get(), "x", 1), 1);
  loop_.run();
}

TEST_P(LoopTest, ASourceHearsThatTheOtherEndIsGoneWhateverItAskedFor) {
  Pair pair;
  Ear ear([&](uint8_t ready) {
    EXPECT_NE(ready & kGone, 0);
    loop_.stop();
  });
  ASSERT_TRUE(loop_.poll().add(pair.near.get(), 0, ear));
  pair.far.close();
  loop_.run();
}

TEST_P(LoopTest, ARemovedSourceHearsNothingMoreOfTheSameRound) {
  Pair first, second;
  int heard = 0;
  std::unique_ptr<Ear> a, b;
  const auto hear = [&](uint8_t) {
    ++heard;
    loop_.poll().remove(first.near.get(), *a);
    loop_.poll().remove(second.near.get(), *b);
    loop_.stop();
  };
  a = std::make_unique<Ear>(hear);
  b = std::make_unique<Ear>(hear);
  ASSERT_TRUE(loop_.poll().add(first.near.get(), kReadable, *a));
  ASSERT_TRUE(loop_.poll().add(second.near.get(), kReadable, *b));
  ASSERT_EQ(::write(first.far.get(), "x", 1), 1);
  ASSERT_EQ(::write(second.far.get(), "x", 1), 1);
  loop_.run();
  EXPECT_EQ(heard, 1);
}

TEST_P(LoopTest, WhatIsToldOrDeferredRunsInARoundAndNothingElseDoes) {
  EXPECT_FALSE(loop_.poll().in_round());
  std::vector<bool> seen;
  loop_.post([&] {
    seen.push_back(loop_.poll().in_round());
    loop_.poll().defer([&] { seen.push_back(loop_.poll().in_round()); });
    loop_.stop();
  });
  loop_.run();
  EXPECT_EQ(seen, (std::vector<bool>{true, true}));
  EXPECT_FALSE(loop_.poll().in_round());
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutAsio, LoopTest, testing::Bool());

TEST(Loop, AsiosOwnWorkRunsBesideTheSources) {
  Loop loop;
  bool asio_ran = false;
  boost::asio::post(loop.context(), [&] {
    asio_ran = true;
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  EXPECT_TRUE(asio_ran);
}

TEST(Socket, ABusyPortSaysSo) {
  const Ip local = *Ip::parse("127.0.0.1");
  const auto first = listen_on({local, 0});
  ASSERT_TRUE(first);
  const auto second = listen_on(local_endpoint(*first));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().what, "address already in use");
}

TEST(Socket, AConnectionSaysHowItWent) {
  const Ip local = *Ip::parse("127.0.0.1");
  Fd listener = *listen_on({local, 0});
  const Endpoint there = local_endpoint(listener);
  const auto outcome = [&] {
    const Fd fd = *connect_to(there);
    pollfd waiting{.fd = fd.get(), .events = POLLOUT, .revents = 0};
    EXPECT_EQ(::poll(&waiting, 1, 5000), 1);
    return connect_error(fd);
  };
  EXPECT_EQ(outcome(), "");
  listener.close();
  EXPECT_EQ(outcome(), "connection refused");
}

TEST(Socket, NamesResolve) {
  EXPECT_EQ(resolve("localhost")->text(), "127.0.0.1");
  EXPECT_EQ(resolve("::1")->text(), "::1");
  EXPECT_FALSE(resolve("no such name"));
}

}  // namespace
}  // namespace io

#include "fetch/window.h"

#include <gtest/gtest.h>

namespace fetch {
namespace {

TEST(Window, AHostOverItsShareWaitsOnDiskAndTheOthersStayInHand) {
  Window window({.most = 1000, .per_host = 2});
  Host& large = window.host("large");
  queue::Number number = 0;
  uint64_t on_disk = 0;
  for (uint64_t i = 0; i < 5000; ++i) {
    if (window.place_for(large) == Window::Place::kHand) {
      window.enter(large, ++number);
    } else {
      ASSERT_EQ(window.place_for(large), Window::Place::kDisk);
      ASSERT_TRUE(window.spill(large, i, std::to_string(i)).has_value());
      ++on_disk;
    }
  }
  EXPECT_LE(window.in_hand(), 1000u / 32);
  EXPECT_EQ(window.in_hand() + on_disk, 5000u);
  for (int host = 0; host < 100; ++host) {
    Host& small = window.host("small" + std::to_string(host));
    for (int i = 0; i < 4; ++i) {
      ASSERT_EQ(window.place_for(small), Window::Place::kHand);
      window.enter(small, ++number);
    }
  }
}

TEST(Window, WhatWaitsOnDiskComesBackInItsOrderAsOthersLeave) {
  Window window({.most = 8, .per_host = 1});
  Host& host = window.host("a");
  queue::Number number = 0;
  while (window.place_for(host) == Window::Place::kHand) window.enter(host, ++number);
  EXPECT_FALSE(window.may_return(host));
  for (uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(window.spill(host, i, "x").has_value());
  for (uint64_t i = 0; i < 10; ++i) {
    window.left(host);
    ASSERT_TRUE(window.may_return(host));
    EXPECT_EQ(window.take_back(host)->index, i);
    window.enter(host, ++number);
    ASSERT_FALSE(window.may_return(host));
  }
  EXPECT_EQ(window.spilled(), 0u);
}

TEST(Window, AFullWindowReadsNoHostThatIsNotOverItsShare) {
  Window window({.most = 3, .per_host = 1});
  queue::Number number = 0;
  for (const char* name : {"a", "b", "c"}) window.enter(window.host(name), ++number);
  EXPECT_EQ(window.place_for(window.host("d")), Window::Place::kNowhere);
}

TEST(Window, ForgetsHostsOfWhichNothingIsHereButNotThoseGivenUp) {
  Window window({.most = 100});
  Host& gone = window.host("gone");
  window.enter(gone, 1);
  window.forget_if_idle(gone);
  EXPECT_EQ(window.hosts(), 1u);
  window.left(gone);
  window.forget_if_idle(gone);
  EXPECT_EQ(window.hosts(), 0u);
  Host& dead = window.host("dead");
  dead.given_up = "silent";
  window.forget_if_idle(dead);
  EXPECT_EQ(window.host("dead").given_up, "silent");
}

}  // namespace
}  // namespace fetch

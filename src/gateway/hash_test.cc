#include "gateway/hash.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>

namespace gateway {
namespace {

using std::chrono::milliseconds;

Digest computed(HashThreads& threads, const Digest& first) {
  std::promise<Digest> promise;
  EXPECT_TRUE(threads.compute(first, [&](const Digest& hash) { promise.set_value(hash); }));
  return promise.get_future().get();
}

// The values are Python's hashlib's.
TEST(Hash, IsSha256AppliedToTheBytesAndThenToThe32Bytes) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const Digest first = sha256("test_data");
  HashThreads once({.rounds = 1, .threads = 1, .waiting_max = 1});
  EXPECT_EQ(hex(computed(once, first)),
            "e7d87b738825c33824cf3fd32b7314161fc8c425129163ff5e7260fc7288da36");
  HashThreads often({.rounds = 1000, .threads = 1, .waiting_max = 1});
  EXPECT_EQ(hex(computed(often, first)),
            "9b110074ee393c0ec7cf106c028b90d5f194fd3349fd327159e4f157f9a003a6");
}

TEST(Hash, SixtyFourDigitsAreADigestAndNothingElse) {
  const Digest digest = sha256("abc");
  EXPECT_EQ(parse_digest(hex(digest)), digest);
  EXPECT_FALSE(parse_digest(hex(digest).substr(1)));
  EXPECT_FALSE(parse_digest(hex(digest) + "0"));
  EXPECT_FALSE(parse_digest(std::string(64, 'g')));
}

TEST(HashThreads, OverItsBoundItRefusesAndWhatWaitsIsComputed) {
  std::atomic<int> done{0};
  HashThreads threads({.rounds = 1, .threads = 1, .waiting_max = 3});
  std::promise<void> begun, go;
  std::future<void> may_go = go.get_future();
  ASSERT_TRUE(threads.compute(sha256("first"), [&](const Digest&) {
    begun.set_value();
    may_go.wait();
    ++done;
  }));
  begun.get_future().wait();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(threads.compute(sha256(std::to_string(i)), [&](const Digest&) { ++done; })) << i;
  }
  EXPECT_EQ(threads.waiting(), 3u);
  const base::Status over = threads.compute(sha256("over"), [&](const Digest&) { ++done; });
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, base::Code::kFull);
  go.set_value();
  while (done < 4) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(threads.waiting(), 0u);
}

TEST(HashThreads, WithoutAWaitingPlaceAnIdleThreadStillTakesOne) {
  HashThreads threads({.rounds = 2, .threads = 1, .waiting_max = 0});
  for (int i = 0; i < 20; ++i) {
    std::atomic<bool> done{false};
    while (!threads.compute(sha256("x"), [&](const Digest&) { done = true; })) {
      std::this_thread::yield();  // The thread is on its way back.
    }
    while (!done) std::this_thread::yield();
  }
}

TEST(HashThreads, StopsInTheMiddleOfAComputation) {
  const auto start = std::chrono::steady_clock::now();
  {
    HashThreads threads({.rounds = 100'000'000, .threads = 2, .waiting_max = 10});
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(threads.compute(sha256(std::to_string(i)), [](const Digest&) { FAIL(); }));
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

}  // namespace
}  // namespace gateway

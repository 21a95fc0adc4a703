#include "io/alarm.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "io/clock.h"

namespace io {
namespace {

constexpr base::Duration kFar = std::chrono::hours(24);  // Rings once a day for nothing.
constexpr base::Duration kNear{1};                       // Zero would disarm the timer.

}  // namespace

Alarm::Alarm(Poll& poll, std::function<void()> ring)
    : poll_(poll),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
      ring_(std::move(ring)) {
  CHECK(timer_ && poll.add(timer_.get(), kReadable, *this));
}

void Alarm::within(base::Duration delay) {
  constexpr int64_t kSecond = 1'000'000'000;
  const base::Duration at = monotonic() + std::clamp(delay, kNear, kFar);
  if (at >= at_) return;
  at_ = at;
  itimerspec when{};
  when.it_value = {.tv_sec = at.count() / kSecond, .tv_nsec = at.count() % kSecond};
  CHECK(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) == 0);
}

void Alarm::stop() {
  if (timer_) poll_.remove(timer_.get(), *this);
  timer_.close();
}

void Alarm::on_ready(uint8_t) {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(timer_.get(), &count, sizeof count);
  at_ = base::Duration::max();
  ring_();
}

}  // namespace io

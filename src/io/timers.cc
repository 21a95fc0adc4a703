#include "io/timers.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <utility>

#include "base/check.h"
#include "io/clock.h"

namespace io {

Timers::Timers(Poll& poll) : timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  CHECK(timer_ && poll.add(timer_.get(), kReadable, *this));
}

void Timers::add(base::Duration delay, base::Duration period, std::function<void()> task) {
  due_.emplace(monotonic() + delay, Task{period, std::move(task)});
  arm();
}

void Timers::on_ready(uint8_t) {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(timer_.get(), &count, sizeof count);
  const base::Duration now = monotonic();
  while (!due_.empty() && due_.begin()->first <= now) {
    auto node = due_.extract(due_.begin());
    node.mapped().run();
    if (node.mapped().period == base::Duration::zero()) continue;
    node.key() = monotonic() + node.mapped().period;
    due_.insert(std::move(node));
  }
  arm();
}

void Timers::arm() {
  constexpr int64_t kSecond = 1'000'000'000;
  itimerspec when{};  // Zero: never.
  if (!due_.empty()) {
    const int64_t at = due_.begin()->first.count();
    when.it_value = {.tv_sec = at / kSecond, .tv_nsec = at % kSecond};
  }
  CHECK(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) == 0);
}

}  // namespace io

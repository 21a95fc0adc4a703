#include "io/poll.h"

#include <cerrno>

#include "base/check.h"

namespace io {
namespace {

epoll_event event_for(uint8_t interest, Source& source) {
  epoll_event event{};
  if (interest & kReadable) event.events |= EPOLLIN;
  if (interest & kWritable) event.events |= EPOLLOUT;
  event.data.ptr = &source;
  return event;
}

uint8_t ready_of(uint32_t events) {
  uint8_t ready = 0;
  if (events & EPOLLIN) ready |= kReadable;
  if (events & EPOLLOUT) ready |= kWritable;
  if (events & (EPOLLERR | EPOLLHUP)) ready |= kGone;
  return ready;
}

}  // namespace

Poll::Poll() : set_(::epoll_create1(EPOLL_CLOEXEC)) { CHECK(set_); }

bool Poll::add(int fd, uint8_t interest, Source& source) {
  epoll_event event = event_for(interest, source);
  return ::epoll_ctl(set_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poll::change(int fd, uint8_t interest, Source& source) {
  epoll_event event = event_for(interest, source);
  CHECK(::epoll_ctl(set_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void Poll::remove(int fd, Source& source) {
  const bool gone = ::epoll_ctl(set_.get(), EPOLL_CTL_DEL, fd, nullptr) != 0;
  CHECK(!gone || errno == EBADF || errno == ENOENT);
  for (int i = at_ + 1; i < count_; ++i) {
    if (events_[static_cast<size_t>(i)].data.ptr == &source) {
      events_[static_cast<size_t>(i)].data.ptr = nullptr;
    }
  }
}

void Poll::wait() { round(-1); }

void Poll::dispatch() {
  for (int i = 0; i < kRounds && round(0) > 0; ++i) {
  }
}

int Poll::round(int timeout_ms) {
  const int found =
      ::epoll_wait(set_.get(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
  count_ = found;
  in_round_ = true;
  for (at_ = 0; at_ < count_; ++at_) {
    const epoll_event& event = events_[static_cast<size_t>(at_)];
    if (event.data.ptr == nullptr) continue;
    static_cast<Source*>(event.data.ptr)->on_ready(ready_of(event.events));
  }
  at_ = count_ = 0;
  for (size_t i = 0; i < deferred_.size(); ++i) std::exchange(deferred_[i], nullptr)();
  deferred_.clear();
  in_round_ = false;
  return found;
}

}  // namespace io

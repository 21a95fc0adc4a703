#include "io/bell.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "base/check.h"

namespace io {

Bell::Bell(Poll& poll, std::function<void()> heard)
    : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), heard_(std::move(heard)) {
  CHECK(event_ && poll.add(event_.get(), kReadable, *this));
}

void Bell::ring() {
  if (ringing_.exchange(true)) return;
  const uint64_t one = 1;
  CHECK(::write(event_.get(), &one, sizeof one) == sizeof one);
}

// Quiet before it is heard: what is put there from now on rings again.
void Bell::on_ready(uint8_t) {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(event_.get(), &count, sizeof count);
  ringing_.store(false);
  heard_();
}

}  // namespace io

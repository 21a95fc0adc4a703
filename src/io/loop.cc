#include "io/loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <list>
#include <optional>
#include <vector>

#include "base/check.h"
#include "base/mutex.h"
#include "io/timers.h"

namespace io {
namespace {

namespace asio = boost::asio;

// Tasks of other threads.
class Posts final : public Source {
 public:
  explicit Posts(Poll& poll) : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    CHECK(event_ && poll.add(event_.get(), kReadable, *this));
  }

  void add(std::function<void()> task) EXCLUDES_LOCK(mutex_) {
    {
      const base::Guard guard(mutex_);
      tasks_.push_back(std::move(task));
      if (tasks_.size() > 1) return;  // Whoever put the first one in has knocked.
    }
    const uint64_t one = 1;
    CHECK(::write(event_.get(), &one, sizeof one) == sizeof one);
  }

  void on_ready(uint8_t) override {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(event_.get(), &count, sizeof count);
    for (const std::function<void()>& task : take()) task();
  }

 private:
  std::vector<std::function<void()>> take() EXCLUDES_LOCK(mutex_) {
    const base::Guard guard(mutex_);
    return std::exchange(tasks_, {});
  }

  Fd event_;
  base::Mutex mutex_;
  std::vector<std::function<void()>> tasks_ GUARDED_BY(mutex_);
};

class Readable final : public Source {
 public:
  Readable(Poll& poll, int fd, std::function<void()> task) : task_(std::move(task)) {
    CHECK(poll.add(fd, kReadable, *this));
  }
  void on_ready(uint8_t) override { task_(); }

 private:
  std::function<void()> task_;
};

// Asio's side of a loop: its io_context, and our sources as one descriptor in it.
class AsioSide {
 public:
  explicit AsioSide(Poll& poll) : poll_(poll), sources_(context, poll.fd()) { wait(); }
  ~AsioSide() { sources_.release(); }

  asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};

 private:
  void wait() {
    sources_.async_wait(asio::posix::descriptor_base::wait_read,
                        [this](const boost::system::error_code& error) {
                          if (error) return;
                          poll_.dispatch();
                          wait();
                        });
  }

  Poll& poll_;
  asio::posix::stream_descriptor sources_;
};

}  // namespace

struct Loop::State {
  Poll poll;
  Posts posts{poll};
  Timers timers{poll};
  std::list<Readable> readables;
  std::optional<AsioSide> asio_side;
  bool stopped = false;
};

Loop::Loop() : state_(std::make_unique<State>()) {}
Loop::~Loop() = default;

void Loop::run() {
  if (state_->asio_side) {
    state_->asio_side->context.run();
  } else {
    while (!state_->stopped) state_->poll.wait();
  }
}

void Loop::stop() {
  post([this] {
    state_->stopped = true;
    if (state_->asio_side) state_->asio_side->context.stop();
  });
}

void Loop::post(std::function<void()> task) { state_->posts.add(std::move(task)); }

void Loop::every(base::Duration period, std::function<void()> task) {
  CHECK(period > base::Duration::zero());
  state_->timers.add(period, period, std::move(task));
}

void Loop::after(base::Duration delay, std::function<void()> task) {
  state_->timers.add(delay, base::Duration::zero(), std::move(task));
}

void Loop::when_readable(int fd, std::function<void()> task) {
  state_->readables.emplace_back(state_->poll, fd, std::move(task));
}

Poll& Loop::poll() { return state_->poll; }

boost::asio::io_context& Loop::context() {
  if (!state_->asio_side) state_->asio_side.emplace(state_->poll);
  return state_->asio_side->context;
}

}  // namespace io

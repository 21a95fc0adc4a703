#include "io/loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>

#include "base/check.h"

namespace io {
namespace {

namespace asio = boost::asio;

// A descriptor that belongs to somebody else, and what to do when it is readable.
struct Watched {
  Watched(asio::io_context& context, int fd, std::function<void()> work)
      : descriptor(context, fd), task(std::move(work)) {}
  ~Watched() { descriptor.release(); }

  void wait() {
    descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                          [this](const boost::system::error_code& error) {
                            if (error) return;
                            task();
                            wait();
                          });
  }

  asio::posix::stream_descriptor descriptor;
  std::function<void()> task;
};

struct Repeated {
  Repeated(asio::io_context& context, base::Duration every, std::function<void()> work)
      : timer(context), period(every), task(std::move(work)) {}

  void wait() {
    timer.expires_after(period);
    timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      task();
      wait();
    });
  }

  asio::steady_timer timer;
  base::Duration period;
  std::function<void()> task;
};

}  // namespace

struct Loop::State {
  // Posts come from other threads; descriptors and timers are touched by the loop's own alone.
  asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  Poll poll;
  Watched sockets{context, poll.fd(), [this] { poll.dispatch(); }};
  std::list<Repeated> repeated;
  std::list<Watched> watched;
};

Loop::Loop() : state_(std::make_unique<State>()) { state_->sockets.wait(); }

Loop::~Loop() = default;

void Loop::run() { state_->context.run(); }

void Loop::stop() {
  asio::post(state_->context, [this] { state_->context.stop(); });
}

void Loop::post(std::function<void()> task) { asio::post(state_->context, std::move(task)); }

void Loop::every(base::Duration period, std::function<void()> task) {
  CHECK(period > base::Duration::zero());
  state_->repeated.emplace_back(state_->context, period, std::move(task)).wait();
}

void Loop::after(base::Duration delay, std::function<void()> task) {
  auto timer = std::make_unique<asio::steady_timer>(state_->context, delay);
  asio::steady_timer& started = *timer;
  started.async_wait(
      [owner = std::move(timer), work = std::move(task)](const boost::system::error_code& error) {
        if (!error) work();
      });
}

void Loop::when_readable(int fd, std::function<void()> task) {
  state_->watched.emplace_back(state_->context, fd, std::move(task)).wait();
}

Poll& Loop::poll() { return state_->poll; }

boost::asio::io_context& Loop::context() { return state_->context; }

}  // namespace io

#include "io/signals.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>

namespace io {

struct Signals::State {
  State(Loop& loop, std::function<void()> on_stop, std::function<void()> on_reload)
      : set(loop.context(), SIGTERM, SIGINT, SIGHUP),
        stop(std::move(on_stop)),
        reload(std::move(on_reload)) {}

  void wait() {
    set.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      (number == SIGHUP ? reload : stop)();
      wait();
    });
  }

  boost::asio::signal_set set;
  std::function<void()> stop, reload;
};

Signals::Signals(Loop& loop, std::function<void()> stop, std::function<void()> reload)
    : state_(std::make_unique<State>(loop, std::move(stop), std::move(reload))) {
  std::signal(SIGPIPE, SIG_IGN);
  state_->wait();
}

Signals::~Signals() = default;

}  // namespace io

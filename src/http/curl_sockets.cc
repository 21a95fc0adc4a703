#include "http/curl_sockets.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "io/clock.h"

namespace http {
namespace {

uint8_t interest_of(int what) {
  uint8_t interest = 0;
  if (what & CURL_POLL_IN) interest |= io::kReadable;
  if (what & CURL_POLL_OUT) interest |= io::kWritable;
  return interest;
}

int selected(uint8_t ready) {
  int what = 0;
  if (ready & (io::kReadable | io::kGone)) what |= CURL_CSELECT_IN;
  if (ready & io::kWritable) what |= CURL_CSELECT_OUT;
  if (ready & io::kGone) what |= CURL_CSELECT_ERR;
  return what;
}

}  // namespace

class CurlSockets::Wire final : public io::Source {
 public:
  Wire(CurlSockets& sockets, curl_socket_t fd) : sockets_(sockets), fd_(fd) {}

  void opened(bool ours) {
    ours_ = ours;
    told_ = wanted_ = false;
  }

  void want(uint8_t interest) {
    wanted_ = true;
    if (told_ && interest == interest_) return;
    if (told_) {
      sockets_.poll_.change(fd_, interest, *this);
    } else {
      // Without room for it in the kernel the request ends at its deadline.
      told_ = sockets_.poll_.add(fd_, interest, *this);
    }
    interest_ = interest;
  }

  void rest() {
    wanted_ = false;
    if (!ours_) leave();  // Nobody says when it is closed.
  }

  void leave() {
    if (told_) sockets_.poll_.remove(fd_, *this);
    told_ = wanted_ = false;
  }

  void on_ready(uint8_t ready) override {
    if (!wanted_) return leave();
    sockets_.act(fd_, selected(ready));
  }

 private:
  CurlSockets& sockets_;
  const curl_socket_t fd_;
  uint8_t interest_ = 0;
  bool ours_ = false;    // open() made it, close() will be called.
  bool told_ = false;    // It is in the epoll set.
  bool wanted_ = false;  // A request waits for it.
};

CurlSockets::CurlSockets(io::Poll& poll, CURLM* multi, std::function<void()> after)
    : poll_(poll), multi_(multi), after_(std::move(after)), alarm_(poll, [this] { ring(); }) {
  ::curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &CurlSockets::on_socket);
  ::curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
  ::curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &CurlSockets::on_timer);
  ::curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
}

CurlSockets::~CurlSockets() {
  alarm_.stop();
  for (const std::unique_ptr<Wire>& each : wires_) {
    if (each) each->leave();
  }
}

CurlSockets::Wire& CurlSockets::wire(curl_socket_t fd) {
  const auto at = static_cast<size_t>(fd);
  if (at >= wires_.size()) wires_.resize(at + 1);
  if (!wires_[at]) wires_[at] = std::make_unique<Wire>(*this, fd);
  return *wires_[at];
}

curl_socket_t CurlSockets::open(const curl_sockaddr& address) {
  const int fd =
      ::socket(address.family, address.socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  wire(fd).opened(true);
  ++connections_;
  return fd;
}

void CurlSockets::close(curl_socket_t fd) {
  Wire& closing = wire(fd);
  closing.leave();
  closing.opened(false);
  ::close(fd);
  --connections_;
}

int CurlSockets::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  Wire& wire = static_cast<CurlSockets*>(self)->wire(fd);
  if (what == CURL_POLL_REMOVE) {
    wire.rest();
  } else {
    wire.want(interest_of(what));
  }
  return 0;
}

int CurlSockets::on_timer(CURLM*, long ms, void* self) {
  auto& sockets = *static_cast<CurlSockets*>(self);
  sockets.due_ = ms == 0;
  sockets.due_at_ = base::Duration::max();
  if (ms <= 0) return 0;
  const base::Duration delay = std::chrono::milliseconds(ms);
  sockets.due_at_ = io::monotonic() + delay;
  sockets.alarm_.within(delay);
  return 0;
}

void CurlSockets::act(curl_socket_t fd, int what) {
  int running = 0;
  ::curl_multi_socket_action(multi_, fd, what, &running);
  after_();
}

void CurlSockets::run_due() {
  due_ = false;
  int running = 0;
  ::curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
}

void CurlSockets::wake() {
  if (std::exchange(woken_, true)) return;
  alarm_.within(base::Duration::zero());
}

void CurlSockets::ring() {
  woken_ = false;
  if (due_at_ != base::Duration::max()) {
    const base::Duration left = due_at_ - io::monotonic();
    if (left <= base::Duration::zero()) {
      due_ = true;
      due_at_ = base::Duration::max();
    } else {
      alarm_.within(left);
    }
  }
  after_();
}

}  // namespace http

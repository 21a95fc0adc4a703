#include "load/clients.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <vector>

#include "load/die.h"
#include "load/instants.h"

namespace load {
namespace {

int connect_to(const Drive& drive) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(drive.port);
  if (inet_pton(AF_INET, drive.host.c_str(), &to.sin_addr) != 1) die("host: " + drive.host);
  if (connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
    die(std::string("connect: ") + std::strerror(errno));
  const int yes = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return socket;
}

struct Connection {
  struct Batch {
    int64_t since;
    size_t answers, operations;
  };
  int socket = -1;
  std::unique_ptr<Talk> talk;
  std::string in, out;
  std::deque<Batch> batches;  // That are not all answered.
  bool stuck = false;         // The socket takes no more for now.
};

class Clients {
 public:
  Clients(const Drive& drive, const Work& work)
      : drive_(drive), poll_(epoll_create1(EPOLL_CLOEXEC)) {
    for (unsigned i = 0; i < drive.connections; ++i) {
      Connection& one = connections_.emplace_back();
      one.socket = connect_to(drive);
      one.talk = make_talk(work);
      one.talk->greet(one.socket);
      fcntl(one.socket, F_SETFL, O_NONBLOCK);
    }
    for (Connection& one : connections_) {
      epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLOUT | EPOLLET, .data = {.ptr = &one}};
      epoll_ctl(poll_, EPOLL_CTL_ADD, one.socket, &event);
    }
    schedule_ = {steady_now(),
                 drive.rate > 0 ? 1e9 * static_cast<double>(work.pipeline) / drive.rate : 0};
    end_ =
        drive.seconds > 0 ? schedule_.begin + static_cast<int64_t>(drive.seconds * 1e9) : INT64_MAX;
  }
  ~Clients() {
    for (const Connection& one : connections_) close(one.socket);
    close(poll_);
  }
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  Outcome run() {
    if (drive_.rate == 0) {
      for (Connection& one : connections_) ask(one, schedule_.begin);
    }
    while (open_ > 0 || going(steady_now())) {
      if (drive_.rate > 0) send_due();
      wait();
    }
    outcome_.seconds = static_cast<double>(last_ - schedule_.begin) / 1e9;
    return std::move(outcome_);
  }

 private:
  bool going(int64_t now) const {
    return now < end_ && (drive_.operations == 0 || asked_ < drive_.operations);
  }

  void ask(Connection& one, int64_t since) {
    const Talk::Asked asked = one.talk->ask(one.out, number_++);
    one.batches.push_back({since, asked.answers, asked.operations});
    asked_ += asked.operations;
    ++open_;
    send_rest(one);
  }

  void send_due() {
    for (int64_t now = steady_now(); schedule_.due(number_) <= now && going(now);) {
      ask(connections_[number_ % connections_.size()], schedule_.due(number_));
    }
  }

  void send_rest(Connection& one) {
    size_t sent = 0;
    while (!one.stuck && sent < one.out.size()) {
      const ssize_t n =
          send(one.socket, one.out.data() + sent, one.out.size() - sent, MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN) die(std::string("send: ") + std::strerror(errno));
      one.stuck = n < 0;
      if (n > 0) sent += static_cast<size_t>(n);
    }
    one.out.erase(0, sent);
  }

  void wait() {
    timespec span{0, 100'000'000};
    if (drive_.rate > 0) span.tv_nsec = next_due();
    epoll_event events[64];
    const int n = epoll_pwait2(poll_, events, 64, &span, nullptr);
    if (n < 0 && errno != EINTR) die(std::string("epoll: ") + std::strerror(errno));
    for (int i = 0; i < n; ++i) {
      Connection& one = *static_cast<Connection*>(events[i].data.ptr);
      if ((events[i].events & EPOLLOUT) != 0) {
        one.stuck = false;
        send_rest(one);
      }
      if ((events[i].events & ~static_cast<uint32_t>(EPOLLOUT)) != 0)
        receive(one, (events[i].events & EPOLLRDHUP) != 0);
    }
  }

  long next_due() const {
    const int64_t left = schedule_.due(number_) - steady_now();
    return static_cast<long>(std::clamp<int64_t>(left, 0, 100'000'000));
  }

  void receive(Connection& one, bool to_the_end) {
    for (;;) {
      const ssize_t n = recv(one.socket, buffer_.data(), buffer_.size(), 0);
      if (n < 0 && errno == EAGAIN) break;
      if (n <= 0) die("the server closed a connection: " + one.in);
      one.in.append(buffer_.data(), static_cast<size_t>(n));
      const Talk::Taken taken = one.talk->take(one.in);
      one.in.erase(0, taken.bytes);
      if (taken.answers > 0) answered(one, taken.answers);
      if (static_cast<size_t>(n) < buffer_.size() && !to_the_end) break;
    }
  }

  void answered(Connection& one, size_t answers) {
    const int64_t now = last_ = steady_now();
    while (answers > 0) {
      if (one.batches.empty()) die("an answer that nobody asked for");
      Connection::Batch& batch = one.batches.front();
      const size_t some = std::min(answers, batch.answers);
      outcome_.answers.add(now - batch.since, some);
      answers -= some;
      batch.answers -= some;
      if (batch.answers > 0) return;
      outcome_.operations += batch.operations;
      one.batches.pop_front();
      --open_;
      if (drive_.rate == 0 && going(now)) ask(one, now);
    }
  }

  const Drive drive_;
  const int poll_;
  std::deque<Connection> connections_;
  std::string buffer_ = std::string(256 * 1024, '\0');
  Schedule schedule_{};
  int64_t end_ = 0, last_ = 0;
  uint64_t number_ = 0;  // Of the next batch.
  uint64_t asked_ = 0;   // Operations.
  size_t open_ = 0;      // Batches.
  Outcome outcome_;
};

}  // namespace

Outcome drive(const Drive& drive, const Work& work) { return Clients(drive, work).run(); }

}  // namespace load

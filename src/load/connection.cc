#include "load/connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace load {

base::Time steady_now() { return base::Time(std::chrono::steady_clock::now().time_since_epoch()); }

Connection::Connection(io::Poll& poll, Told& told, const Terms& terms)
    : poll_(poll), told_(told), terms_(terms) {}

std::string Connection::name() const {
  return 'c' + std::to_string(terms_.number) + '.' + std::to_string(opened_);
}

void Connection::open(bool first) {
  first_ = first;
  ++opened_;
  talk_ = make_talk(terms_.work, terms_.number);
  base::Result<io::Fd> fd = io::connect_to(terms_.to);
  const std::string why = fd ? "" : fd.error().what;
  if (fd) fd_ = *std::move(fd);
  state_ = State::kConnecting;
  interest_ = io::kWritable;
  if (fd_ && poll_.add(fd_.get(), interest_, *this)) return;
  state_ = State::kClosed;
  fd_.close();
  poll_.defer([this, why] { told_.on_lost(*this, why.empty() ? std::strerror(errno) : why); });
}

void Connection::close() {
  if (fd_) poll_.remove(fd_.get(), *this);
  fd_.close();
  state_ = State::kClosed;
  in_.clear();
  out_.clear();
  sent_ = 0;
}

void Connection::put(Verb verb, const Draw& draw, base::Time since, base::Time now,
                     std::vector<std::string> held) {
  talk_->put(out_, {.verb = verb, .draw = draw, .receipts = held});
  open_.push_back(
      {.verb = verb, .draw = draw, .since = since, .sent = now, .receipts = std::move(held)});
}

void Connection::send() {
  while (sent_ < out_.size()) {
    const ssize_t n = ::send(fd_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;  // EAGAIN; anything else is told by the poll.
    sent_ += static_cast<size_t>(n);
  }
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
    if (out_.capacity() > kKeptBytesMax) out_.shrink_to_fit();
  }
  want(out_.empty() ? io::kReadable : io::kReadable | io::kWritable);
}

void Connection::want(uint8_t interest) {
  if (interest != interest_) poll_.change(fd_.get(), interest, *this);
  interest_ = interest;
}

void Connection::on_ready(uint8_t ready) {
  if (state_ == State::kConnecting) return connected();
  if ((ready & io::kWritable) != 0) send();
  if ((ready & (io::kReadable | io::kGone)) != 0) receive();
}

void Connection::connected() {
  if (const std::string error = io::connect_error(fd_); !error.empty()) return lost(error);
  state_ = State::kGreeting;
  want(io::kReadable);
  const base::Result<size_t> used = use({});
  if (!used) lost(used.error().what);
}

void Connection::receive() {
  const std::span<char> scratch = poll_.scratch();
  const ssize_t got = ::recv(fd_.get(), scratch.data(), scratch.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return lost(std::strerror(errno));
  if (got == 0) return lost("the server closed the connection");
  std::string_view bytes(scratch.data(), static_cast<size_t>(got));
  if (!in_.empty()) {
    in_.append(bytes);
    bytes = in_;
  }
  const base::Result<size_t> used = use(bytes);
  if (!used) return lost(used.error().what);
  if (in_.empty()) {
    in_.assign(bytes.substr(*used));
  } else {
    in_.erase(0, *used);
  }
  if (in_.empty() && in_.capacity() > kKeptBytesMax) in_.shrink_to_fit();
  if (state_ == State::kReady) told_.on_answers(*this);
}

base::Result<size_t> Connection::use(std::string_view in) {
  heard = steady_now();
  if (state_ == State::kReady) return talk_->take(in, *this);
  const base::Result<Talk::Greeting> greeting = talk_->greet(in, out_, first_);
  if (!greeting) return greeting.error();
  send();
  if (greeting->done) {
    state_ = State::kReady;
    told_.on_ready(*this);
  }
  return greeting->used;
}

void Connection::answered(const Answer& answer) {
  told_.on_answer(*this, open_.front(), answer);
  open_.pop_front();
}

void Connection::lost(const std::string& why) {
  close();
  told_.on_lost(*this, why);
  open_.clear();
}

}  // namespace load

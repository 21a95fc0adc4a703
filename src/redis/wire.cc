#include "redis/wire.h"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "base/check.h"

namespace redis {
namespace {

constexpr int kReadsMax = 8;  // Of 64 KiB; then other sources have their turn.

std::string words_of(int error) { return std::generic_category().message(error); }

}  // namespace

base::Status Wire::open(const io::Endpoint& to, const TlsTerms* terms, const std::string& host) {
  CHECK(!fd_);
  base::Result<io::Fd> fd = io::connect_to(to);
  if (!fd) return fd.error();
  if (!poll_.add(fd->get(), io::kWritable, *this)) {
    return base::Error{base::Code::kIo, words_of(errno), {}};
  }
  fd_ = *std::move(fd);
  interest_ = io::kWritable;
  connecting_ = true;
  if (terms != nullptr) tls_.emplace(*terms, host);
  return {};
}

void Wire::close() {
  if (!fd_) return;
  poll_.remove(fd_.get(), *this);
  fd_.close();
  tls_.reset();
  unsent_.clear();
}

void Wire::gone(const std::string& why) {
  close();
  told_.on_gone(why);
}

void Wire::want(uint8_t interest) {
  if (std::exchange(interest_, interest) != interest) poll_.change(fd_.get(), interest, *this);
}

void Wire::on_ready(uint8_t ready) {
  if (connecting_) {
    if ((ready & (io::kWritable | io::kGone)) != 0) connected();
    return;
  }
  if ((ready & io::kWritable) != 0) {
    send_unsent();
    if (fd_ && room() && !(tls_ && tls_->state() == TlsSession::State::kMeeting)) told_.on_room();
  }
  if (fd_ && (ready & (io::kReadable | io::kGone)) != 0) receive();
}

void Wire::connected() {
  const std::string why = io::connect_error(fd_);
  if (!why.empty()) return gone(why);
  connecting_ = false;
  want(io::kReadable);
  if (!tls_) return told_.on_open();
  tls_->meet();
  tls_->take_sealed(unsent_);
  send_unsent();
}

void Wire::receive() {
  for (int i = 0; i < kReadsMax && fd_; ++i) {
    const std::span<char> into = poll_.scratch();
    const ssize_t got = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) return gone(words_of(errno));
    if (got == 0) return gone("closed by the server");
    took({into.data(), static_cast<size_t>(got)});
    if (static_cast<size_t>(got) < into.size()) return;
  }
}

void Wire::took(std::string_view bytes) {
  if (!tls_) return told_.on_bytes(bytes);
  tls_->came(bytes);
  if (tls_->state() == TlsSession::State::kMeeting) {
    tls_->meet();
    tls_->take_sealed(unsent_);
    send_unsent();
    if (fd_ && tls_->state() == TlsSession::State::kOpen) told_.on_open();
  }
  if (!fd_) return;
  plain_.clear();
  const bool more = tls_->read(plain_);
  const std::string why = tls_->why();
  if (!plain_.empty()) told_.on_bytes(plain_);
  if (!more && fd_) gone(why);
}

void Wire::write(std::string_view bytes) {
  CHECK(fd_ && !connecting_ && room());
  if (!tls_) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    // A broken socket is readable: receive() finds out.
    unsent_ = bytes.substr(sent < 0 ? 0 : static_cast<size_t>(sent));
    if (!unsent_.empty()) want(io::kReadable | io::kWritable);
    return;
  }
  if (!tls_->write(bytes)) return;
  tls_->take_sealed(unsent_);
  send_unsent();
}

void Wire::send_unsent() {
  while (!unsent_.empty()) {
    const ssize_t sent = ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent < 0) break;
    unsent_.erase(0, static_cast<size_t>(sent));
  }
  want(unsent_.empty() ? io::kReadable : io::kReadable | io::kWritable);
}

}  // namespace redis

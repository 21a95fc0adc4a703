#include "server/session.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

namespace server {
namespace {

constexpr int kReadsAtOnce = 4;  // Of one session, before others have their turn.
// What an empty string may keep: of an idle session, and of a busy one.
constexpr size_t kIdleCapacity = 256;
constexpr size_t kBusyCapacity = size_t{256} << 10;

void shrink(std::string& text, size_t capacity_max) {
  if (text.empty() && text.capacity() > capacity_max) std::string().swap(text);
}

bool nothing_unread(int fd) {
  char one;
  return ::recv(fd, &one, 1, MSG_PEEK) < 0;
}

bool all_arrived(int fd) {
  int unacknowledged = 0;
  return ::ioctl(fd, SIOCOUTQ, &unacknowledged) != 0 || unacknowledged == 0;
}

}  // namespace

Session::Session(SessionHome& home, io::Fd fd, Presence presence)
    : home_(home), presence_(std::move(presence)), fd_(std::move(fd)) {}

void Session::begin(std::unique_ptr<Talk> talk) {
  talk_ = std::move(talk);
  if (home_.poll.add(fd_.get(), interest_, *this)) return;
  phase_ = Phase::kOver;
  home_.gone(*this);
}

void Session::on_ready(uint8_t ready) {
  moved_ = true;
  if ((ready & io::kGone) != 0 && (ready & io::kReadable) == 0) return end();
  if ((ready & io::kWritable) != 0) {
    if (!send()) return end();
    if (unsent() == 0 && (!rest_.empty() || talk_->state().more)) feed_rest();
  }
  if ((ready & io::kReadable) != 0 && !read()) return end();
  if (broken_) return end();
  settle();
}

// False: the socket is broken.
bool Session::read() {
  const std::span<char> scratch = home_.poll.scratch();
  for (int i = 0; i < kReadsAtOnce && !eof_; ++i) {
    const ssize_t got = ::recv(fd_.get(), scratch.data(), scratch.size(), 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) {
      eof_ = true;
      return true;
    }
    const auto size = static_cast<size_t>(got);
    presence_.traffic().bytes_read.add(size);
    if (phase_ == Phase::kOpen) take({scratch.data(), size});
    if (size < scratch.size() || broken_ || unsent() > 0) return true;
  }
  return true;
}

void Session::take(std::string_view bytes) {
  if (rest_.empty()) {
    const size_t used = talk_->feed(bytes);
    rest_.append(bytes.substr(used));
  } else {
    rest_.append(bytes);
    rest_.erase(0, talk_->feed(rest_));
    shrink(rest_, kBusyCapacity);
  }
  broken_ = !send();
  if (!broken_ && talk_->state().more && unsent() == 0) feed_rest();
}

// Goes on with what was read while the talk was waiting, or its out() was full.
void Session::feed_rest() {
  do {
    rest_.erase(0, talk_->feed(rest_));
    if (!send()) broken_ = true;
  } while (!broken_ && unsent() == 0 && talk_->state().more);
}

// Sends what the socket takes; keeps the rest in unsent_. False: the socket is broken.
bool Session::send() {
  for (;;) {
    std::string& from = unsent_.empty() ? talk_->out() : unsent_;
    if (from.empty()) return true;
    const ssize_t got = ::send(fd_.get(), from.data() + sent_, from.size() - sent_, MSG_NOSIGNAL);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EAGAIN) return false;
    if (got > 0) {
      sent_ += static_cast<size_t>(got);
      presence_.traffic().bytes_sent.add(static_cast<size_t>(got));
      since_ = home_.now;
    }
    if (sent_ == from.size()) {
      from.clear();
      shrink(from, kBusyCapacity);
      sent_ = 0;
    } else {
      if (&from != &unsent_) {
        unsent_.swap(from);
        since_ = home_.now;
      }
      return true;
    }
  }
}

void Session::settle() {
  if (phase_ == Phase::kOver) return;
  if (phase_ == Phase::kLingering) return linger();
  const Talk::State state = talk_->state();
  if (eof_ && state.waiting) talk_->hang_up();
  if (finished(state)) return finish();
  const bool full = unsent() > home_.bounds.unsent_bytes_max || state.more ||
                    (state.waiting && rest_.size() >= home_.bounds.rest_bytes_max);
  const bool read_on = !full && !eof_ && !stopping_ && !state.closing;
  want(static_cast<uint8_t>((read_on ? io::kReadable : 0) | (unsent() > 0 ? io::kWritable : 0)));
}

bool Session::finished(const Talk::State& state) const {
  if (unsent() > 0 || state.waiting || state.more) return false;
  if (state.closing) return true;
  // Behind half a request that will never be whole nothing can be owed but what is waited for.
  return (eof_ || stopping_) && (!state.owing || !rest_.empty());
}

void Session::finish() {
  if (eof_ || ::shutdown(fd_.get(), SHUT_WR) != 0) return end();
  phase_ = Phase::kLingering;
  since_ = home_.now;
  if (!read()) return end();
  linger();
}

// Closing while the client still sends resets the connection, and the reset takes from it what has
// not arrived yet. So it is the client that ends; a server that stops waits only until all has
// arrived.
void Session::linger() {
  if (eof_ || (stopping_ && nothing_unread(fd_.get()) && all_arrived(fd_.get()))) return end();
  want(io::kReadable);
}

void Session::resume() {
  if (phase_ != Phase::kOpen) return;
  moved_ = true;
  if (!send()) return end();
  if (unsent() == 0 && (!rest_.empty() || talk_->state().more)) feed_rest();
  if (broken_) return end();
  settle();
}

void Session::stop() {
  stopping_ = true;
  if (phase_ == Phase::kLingering) return linger();
  if (phase_ != Phase::kOpen) return;
  talk_->stop();
  settle();
}

void Session::end() {
  if (phase_ == Phase::kOver) return;
  phase_ = Phase::kOver;
  home_.poll.remove(fd_.get(), *this);
  fd_.close();
  home_.gone(*this);
}

void Session::sweep() {
  const base::Time now = home_.now;
  if (phase_ == Phase::kLingering) {
    return now - since_ >= home_.bounds.linger_max ? end() : linger();
  }
  if (phase_ == Phase::kOver) return;
  if (unsent() > 0 && now - since_ >= home_.bounds.stuck_max) return end();
  if (now >= talk_->deadline()) {
    talk_->expire();
    if (!send()) return end();
    settle();
    return;
  }
  if (!moved_) give_back();
  moved_ = false;
}

void Session::give_back() {
  shrink(rest_, kIdleCapacity);
  shrink(unsent_, kIdleCapacity);
  shrink(talk_->out(), kIdleCapacity);
  talk_->rest();
}

void Session::want(uint8_t interest) {
  if (interest == interest_) return;
  interest_ = interest;
  home_.poll.change(fd_.get(), interest, *this);
}

}  // namespace server

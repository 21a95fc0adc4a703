#include "proxy/link.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/check.h"

namespace proxy {
namespace {

constexpr size_t kHeadBytesMax = size_t{64} << 10;
constexpr unsigned kInterimsMax = 32;
constexpr base::Duration kIdleMax = std::chrono::seconds(60);
// Of an empty buffer: within an exchange, and while the link is idle.
constexpr size_t kBusyCapacity = size_t{256} << 10;
constexpr size_t kIdleCapacity = size_t{16} << 10;

void empty(std::string& text, size_t capacity_max) {
  text.clear();
  if (text.capacity() > capacity_max) std::string().swap(text);
}

}  // namespace

Link::~Link() { unwatch(); }

void Link::begin(const Order& order, Receiver& receiver) {
  CHECK(receiver_ == nullptr && (phase_ == Phase::kNew || phase_ == Phase::kIdle));
  reused_ = phase_ == Phase::kIdle;
  if (reused_) {
    phase_ = Phase::kBusy;
    home_.traffic().reused();
  }
  receiver_ = &receiver;
  way_ = &order.way;
  to_head_ = order.head;
  keep_request_ = request_whole_ = order.whole;
  got_some_ = head_done_ = paused_ = false;
  body_bytes_ = 0;
  interims_ = 0;
  touch();
  began_ = since_;
}

void Link::connect(std::span<const io::Endpoint> endpoints) {
  CHECK(phase_ == Phase::kNew);
  if (endpoints.empty()) return doom(UpstreamFailure::kLookup);
  untried_.assign(endpoints.rbegin(), endpoints.rend());
  try_next();
}

void Link::try_next() {
  while (!untried_.empty()) {
    const io::Endpoint to = untried_.back();
    untried_.pop_back();
    base::Result<io::Fd> fd = io::connect_to(to);
    if (!fd) continue;
    fd_ = std::move(*fd);
    phase_ = Phase::kConnecting;
    watch();
    if (watched_) return;
    fd_.close();
  }
  doom(UpstreamFailure::kConnect);
}

// The descriptor's interest, as the phase has it.
void Link::watch() {
  const bool connecting = phase_ == Phase::kConnecting;
  const auto wanted = static_cast<uint8_t>((paused_ || connecting ? 0 : io::kReadable) |
                                           (unsent() > 0 || connecting ? io::kWritable : 0));
  if (!watched_) {
    watched_ = home_.poll().add(fd_.get(), wanted, *this);
  } else if (wanted != interest_) {
    home_.poll().change(fd_.get(), wanted, *this);
  }
  interest_ = wanted;
}

void Link::unwatch() {
  if (std::exchange(watched_, false)) home_.poll().remove(fd_.get(), *this);
}

void Link::on_ready(uint8_t ready) {
  if (phase_ == Phase::kConnecting) return connected();
  if (phase_ == Phase::kIdle) return close();  // It says something that nobody asked, or ends.
  if (phase_ != Phase::kBusy) return;
  const bool was_full = unsent() > 0;
  if ((ready & io::kWritable) != 0) flush();
  if (paused_) {
    if ((ready & io::kGone) != 0) unwatch();  // It would be told again and again.
  } else if ((ready & (io::kReadable | io::kGone)) != 0) {
    return read();
  }
  if (was_full && unsent() == 0) receiver_->on_progress();
}

void Link::connected() {
  if (!io::connect_error(fd_).empty()) {
    unwatch();
    fd_.close();
    return try_next();
  }
  phase_ = Phase::kBusy;
  untried_.clear();
  flush();
  watch();
  if (unsent() == 0 && !request_whole_) receiver_->on_progress();
}

// Sends what the socket takes. A broken one is told by the poll.
void Link::flush() {
  if (phase_ != Phase::kBusy || unsent() == 0) return;
  while (unsent() > 0 && !deaf_) {
    const ssize_t got = ::send(fd_.get(), out_.data() + sent_, unsent(), MSG_NOSIGNAL);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      deaf_ = errno != EAGAIN;
      break;
    }
    sent_ += static_cast<size_t>(got);
  }
  touch();
  if (deaf_) sent_ = out_.size();
  if (unsent() == 0 && !keep_request_) {
    empty(out_, kBusyCapacity);
    sent_ = 0;
  }
  watch();
}

void Link::pause() {
  if (std::exchange(paused_, true) || phase_ != Phase::kBusy) return;
  watch();
}

void Link::resume() {
  if (!std::exchange(paused_, false) || phase_ != Phase::kBusy) return;
  touch();
  watch();
  if (!watched_) doom(UpstreamFailure::kEnded);
}

void Link::read() {
  const std::span<char> scratch = home_.poll().scratch();
  const ssize_t got = ::recv(fd_.get(), scratch.data(), scratch.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return ended(got < 0);
  touch();
  if (!std::exchange(got_some_, true)) {
    home_.traffic().first_byte(since_ - began_);
    if (keep_request_ && unsent() == 0) {
      empty(out_, kBusyCapacity);
      sent_ = 0;
    }
  }
  switch (take({scratch.data(), static_cast<size_t>(got)})) {
    case Got::kMore:
      return receiver_->on_progress();
    case Got::kEnd:
      return end();
    case Got::kFailed:
      return fail(why_);
  }
}

void Link::ended(bool reset) {
  if (head_done_ && body_.to_end() && !reset) {
    Receiver* const receiver = std::exchange(receiver_, nullptr);
    close();
    return receiver->on_end();
  }
  fail(UpstreamFailure::kEnded);
}

Link::Got Link::take(std::string_view bytes) {
  if (!head_done_) {
    const Got got = take_heads(bytes);
    if (got != Got::kEnd) return got;
  }
  return take_body(bytes);
}

// kEnd: the final head has been told; `bytes` are what is behind it.
Link::Got Link::take_heads(std::string_view& bytes) {
  const size_t seen = in_.size();
  if (seen > 0) in_.append(bytes);
  std::string_view all = seen > 0 ? std::string_view(in_) : bytes;
  size_t from = seen;
  while (true) {
    const size_t size = find_head_end(all, from);
    if (std::min(size, all.size()) > kHeadBytesMax) {
      why_ = UpstreamFailure::kTooLarge;
      return Got::kFailed;
    }
    if (size == all.npos) {
      std::string rest(all);
      in_.swap(rest);
      return Got::kMore;
    }
    why_ = UpstreamFailure::kBroken;
    if (!parse_response(all.substr(0, size), to_head_, head_)) return Got::kFailed;
    all.remove_prefix(size);
    from = 0;
    if (head_.status >= 200) break;
    if (head_.status == 101 || ++interims_ > kInterimsMax) return Got::kFailed;
  }
  if (head_.framing.length > way_->response_bytes_max) {
    why_ = UpstreamFailure::kTooLarge;
    return Got::kFailed;
  }
  head_done_ = true;
  body_.begin(head_.framing);
  receiver_->on_head(head_);
  // What is behind the head lies at the end of `bytes` in any case.
  bytes = bytes.substr(bytes.size() - all.size());
  in_.clear();
  return Got::kEnd;
}

Link::Got Link::take_body(std::string_view bytes) {
  while (!bytes.empty() && !body_.done()) {
    const BodyReader::Piece piece = body_.take(bytes);
    bytes.remove_prefix(piece.used);
    if (body_.broken()) {
      why_ = UpstreamFailure::kBroken;
      return Got::kFailed;
    }
    if (piece.data.empty()) continue;
    body_bytes_ += piece.data.size();
    if (body_bytes_ > way_->response_bytes_max) {
      why_ = UpstreamFailure::kTooLarge;
      return Got::kFailed;
    }
    receiver_->on_piece(piece.data);
  }
  if (!body_.done()) return Got::kMore;
  if (!bytes.empty()) head_.fields.close = true;  // More than it was asked for: not used again.
  return Got::kEnd;
}

void Link::end() {
  Receiver* const receiver = std::exchange(receiver_, nullptr);
  const bool again = head_.keep_alive() && request_whole_ && unsent() == 0 && !deaf_;
  if (again) {
    phase_ = Phase::kIdle;
    empty(out_, kIdleCapacity);
    empty(in_, kIdleCapacity);
    sent_ = 0;
    home_.idle(*this);
  } else {
    close();
  }
  receiver->on_end();
}

void Link::fail(UpstreamFailure failure) {
  Receiver* const receiver = std::exchange(receiver_, nullptr);
  const bool stale = reused_ && !got_some_ && failure == UpstreamFailure::kEnded;
  if (!stale) home_.traffic().failed(failure);
  close();
  receiver->on_failure(failure, stale);
}

// For failures inside a call of the receiver's: told soon.
void Link::doom(UpstreamFailure failure) {
  doomed_ = true;
  why_ = failure;
  home_.wake();
}

void Link::leave() {
  receiver_ = nullptr;
  close();
}

void Link::close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  unwatch();
  fd_.close();
  home_.closed(*this);
}

void Link::tick(base::Duration now) {
  if (phase_ == Phase::kClosed) return;
  if (phase_ == Phase::kIdle) {
    if (now - since_ >= kIdleMax) close();
    return;
  }
  if (receiver_ == nullptr) return;
  if (doomed_) return fail(why_);
  if (!paused_ && now - since_ >= way_->timeout) fail(UpstreamFailure::kTimeout);
}

}  // namespace proxy

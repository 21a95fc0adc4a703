// A set of descriptors, and who is told when one of them is ready: epoll, level-triggered.
//
// Level-triggered, a request costs one recv(), one send() and a share of an epoll_wait(). Asio's
// own sockets are edge-triggered: each request costs one more recv() that finds nothing, or an
// epoll_ctl() to be told again.
//
// Thread: one owner.
#pragma once
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "io/socket.h"

namespace io {

enum Ready : uint8_t {
  kReadable = 1,  // Bytes, or the end of them.
  kWritable = 2,
  kGone = 4,  // Both directions are closed, or the socket is broken. Told whatever is asked for.
};

class Source {
 public:
  virtual ~Source() = default;
  virtual void on_ready(uint8_t ready) = 0;  // Bits of Ready. May remove any source of the set.
};

class Poll {
 public:
  Poll();

  // False, errno says why: the kernel has no room for it.
  [[nodiscard]] bool add(int fd, uint8_t interest, Source& source);
  void change(int fd, uint8_t interest, Source& source);  // Bits of Ready; 0: only kGone.
  // From now on `source` is told nothing, events that were read already included. Its descriptor
  // may be closed already (some libraries say so only afterwards).
  void remove(int fd, Source& source);

  void wait();  // Until some source is ready; tells all that are.
  // For a set inside another one: its descriptor is readable when some source is ready; then
  // dispatch() tells those, and those that become ready meanwhile, for a bounded number of rounds.
  int fd() const { return set_.get(); }
  void dispatch();
  // After the present round: for what must not vanish while it is being told.
  void defer(std::function<void()> task) { deferred_.push_back(std::move(task)); }
  bool in_round() const { return in_round_; }  // Else what is deferred waits for the next one.

  // 64 KiB for the source that is being told: a read goes here first, so that an idle connection
  // needs no buffer.
  std::span<char> scratch() { return scratch_; }

 private:
  static constexpr int kRounds = 8;
  int round(int timeout_ms);

  Fd set_;
  std::array<epoll_event, 256> events_;
  int at_ = 0, count_ = 0;  // Of events_: the one being told, and how many there are.
  bool in_round_ = false;   // Sources are being told, or what was deferred runs.
  std::array<char, 64 * 1024> scratch_;
  std::vector<std::function<void()>> deferred_;
};

}  // namespace io

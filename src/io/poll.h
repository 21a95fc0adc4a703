// The sockets of one thread's sessions: an epoll set that tells each source when its descriptor is
// ready.
//
// Why not Asio's own sockets: they are edge-triggered, so after each request Asio tries a recv()
// that finds nothing (or re-arms with epoll_ctl); level-triggered, a request costs one recv() and
// one send(), and a share of an epoll_wait(). The set is itself a descriptor, and the thread's
// io_context waits for that one (io/loop.h). Measured: docs/decisions/ has the numbers.
//
// Thread: one owner.
#pragma once
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

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
  // From now on `source` is told nothing, events that were read already included.
  void remove(int fd, Source& source);

  int fd() const { return set_.get(); }  // Readable when some source is ready.
  // Tells all that are ready now, and those that became ready meanwhile, for a bounded number of
  // rounds.
  void dispatch();

  // 64 KiB for the source that is being told: a read goes here first, so that an idle connection
  // needs no buffer.
  std::span<char> scratch() { return scratch_; }

 private:
  static constexpr int kRounds = 8;
  int round();

  Fd set_;
  std::array<epoll_event, 256> events_;
  int at_ = 0, count_ = 0;  // Of events_: the one being told, and how many there are.
  std::array<char, 64 * 1024> scratch_;
};

}  // namespace io

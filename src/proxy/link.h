// One connection to an upstream, and the exchange that it serves, if any.
//
//   begin() ─► looking up ─► connecting ─► busy ── the answer's end ──► idle ─► begin() …
//                  │             │           │                           │ (kept, a bounded time)
//                  └─────────────┴───────────┴── failure, leave() ──────►┴─► closed
//
// The answer is taken out of its framing and told to the receiver in pieces: one recv() each, and
// none while the receiver does not keep up. Interim answers (1xx) are passed over.
//
// Thread: its loop's.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "io/poll.h"
#include "io/socket.h"
#include "proxy/body_reader.h"
#include "proxy/heads.h"
#include "proxy/traffic.h"
#include "proxy/way.h"

namespace proxy {

// Whose request a link carries. Told from the loop, never from inside a call of the link's.
class Receiver {
 public:
  virtual ~Receiver() = default;
  // In this order: the head, pieces of the body …; views live until it returns. Nothing of the link
  // may be called from inside.
  virtual void on_head(const ResponseHead& head) = 0;
  virtual void on_piece(std::string_view data) = 0;
  // … then one of these, last. Anything may be called from inside.
  virtual void on_progress() = 0;  // There is more to send on, or room for more of the request.
  virtual void on_end() = 0;       // The link is no longer its own.
  // `stale`: not a byte came on a connection that had been kept open. request() is still what was
  // to be sent, if the order was whole.
  virtual void on_failure(UpstreamFailure failure, bool stale) = 0;
};

class Link;

// Where links come from: one upstream's pool.
class LinkHome {
 public:
  virtual ~LinkHome() = default;
  virtual io::Poll& poll() = 0;
  virtual Traffic& traffic() = 0;
  virtual base::Duration now() const = 0;  // Monotonic.
  virtual void idle(Link& link) = 0;       // May be used again.
  virtual void closed(Link& link) = 0;     // May not destroy it at once.
  virtual void wake() = 0;                 // tick() of all links, soon.
};

class Link final : public io::Source {
 public:
  explicit Link(LinkHome& home) : home_(home) {}
  ~Link() override;

  struct Order {
    const Way& way;
    bool head = false;   // The method is HEAD: the answer has no body.
    bool whole = false;  // The request has no body: request() is kept until the answer begins.
  };
  void begin(const Order& order, Receiver& receiver);
  // Of a new link: where it may connect to, tried in turn. Empty: kLookup.
  void connect(std::span<const io::Endpoint> endpoints);

  std::string& request() { return out_; }  // Append to it; flush() sends what the socket takes.
  size_t unsent() const { return out_.size() - sent_; }
  void flush();
  void request_is_whole() { request_whole_ = true; }
  void pause();  // The receiver has enough.
  void resume();
  void leave();  // The receiver goes before the end: the connection is closed.
  void close();

  void tick(base::Duration now);  // Timeouts, and failures that could not be told at once.
  void on_ready(uint8_t ready) override;

  size_t place = 0;                                           // For its home.
  bool unconnected() const { return phase_ == Phase::kNew; }  // connect() has not been called.
  bool on_its_way() const { return phase_ == Phase::kNew || phase_ == Phase::kConnecting; }

 private:
  enum class Phase : uint8_t { kNew, kConnecting, kBusy, kIdle, kClosed };
  enum class Got : uint8_t { kMore, kEnd, kFailed };

  void try_next();
  void connected();
  void read();
  void ended(bool reset);
  Got take(std::string_view bytes);
  Got take_heads(std::string_view& bytes);
  Got take_body(std::string_view bytes);
  void end();
  void fail(UpstreamFailure failure);
  void doom(UpstreamFailure failure);
  void watch();
  void unwatch();
  void touch() { since_ = home_.now(); }

  LinkHome& home_;
  io::Fd fd_;
  Phase phase_ = Phase::kNew;
  std::vector<io::Endpoint> untried_;

  Receiver* receiver_ = nullptr;
  const Way* way_ = nullptr;
  std::string out_;  // The request; sent_ bytes of it are gone.
  size_t sent_ = 0;
  std::string in_;  // The beginning of a head whose end has not come.
  ResponseHead head_;
  BodyReader body_;
  uint64_t body_bytes_ = 0;
  base::Duration since_{}, began_{};
  UpstreamFailure why_ = UpstreamFailure::kBroken;
  unsigned interims_ = 0;
  uint8_t interest_ = 0;
  bool to_head_ = false;
  bool keep_request_ = false;
  bool request_whole_ = false;
  bool reused_ = false;    // For this exchange.
  bool got_some_ = false;  // Of the answer.
  bool head_done_ = false;
  bool paused_ = false;
  bool watched_ = false;  // In the poll's set.
  bool deaf_ = false;     // The upstream takes no more; its answer may still come.
  bool doomed_ = false;
};

}  // namespace proxy

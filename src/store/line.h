// The way to the store: scripts and commands, each with the breaker in front, the deadline behind
// and its count kept.
//
// Thread: its loop's.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/alarm.h"
#include "redis/soon.h"
#include "store/common.h"
#include "store/frame.h"

namespace store {

class Line {
 public:
  Line(io::Loop& loop, Common::Body& common);
  ~Line();

  // Where keys with this tag are: calls of one place may go together.
  uint16_t place_of(std::string_view key) const;

  // What a script answers: bytes, and the store's time in front, already taken off. kIo: the store
  // is gone, nothing happened; kUnknown: it may have. Called once, not from inside; the breaker
  // has been told.
  using Told = std::function<void(base::Result<std::string>&&, int64_t store_now_us)>;
  void run(const redis::Client::Script& script, const Frame& frame, std::string_view rest,
           const std::vector<std::string>& extra, base::Time deadline, Told told);

  using Replied = std::function<void(base::Result<redis::Reply>&&)>;
  void send(std::span<const std::string_view> words, std::string_view key, base::Time deadline,
            Replied replied);

  void later(std::function<void()> task);  // Not from inside.

 private:
  bool enter(base::Time deadline, Replied& replied);
  Replied watched(Replied replied);
  void be_present();

  Common::Body& common_;
  redis::Client client_;
  io::Alarm presence_;
  bool reachable_ = false;
  std::vector<std::function<void()>> later_;
  redis::Soon soon_;
  // Shared with what runs while somebody's `told` may destroy this.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace store

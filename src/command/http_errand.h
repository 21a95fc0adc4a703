// What one HTTP request asks of the shards: its requests, what they look at, and how their answers
// become the answer.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "command/arena.h"
#include "command/http_route.h"
#include "command/shards.h"

namespace command {

class HttpErrand {
 public:
  HttpErrand() : arena_(kRoomBytes) {}

  // Valid until the next add().
  template <typename What>
  What& add(uint32_t shard) {
    engine::Request& request = requests_.emplace_back();
    request.shard = shard;
    return request.what.emplace<What>();
  }
  Arena& arena() { return arena_; }

  // `answer` is called with the requests; if one of them was refused and `strict`, that is the
  // answer instead.
  using Answer = std::function<HttpAnswer(std::span<engine::Request>)>;
  struct Terms {
    bool strict = true;
  };
  static void send(std::shared_ptr<HttpErrand> errand, HttpCall& call, Answer answer, Terms terms);

 private:
  static constexpr size_t kRoomBytes = 1024;
  Arena arena_;
  std::vector<engine::Request> requests_;
};

// The queue's name of the path; nothing: the answer is given.
bool good_queue(HttpCall& call);

}  // namespace command

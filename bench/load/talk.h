// How a client of each server talks: what it sends, and which bytes are answers to it. One object a
// connection.
//
//   greet() ─► ask() ─► take()… until all answers are there ─► ask() ─► …
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace load {

enum class Verb : uint8_t { kEnqueue, kCycle, kDrain };

// What the command line asks for.
struct Work {
  std::string peer = "ratelimmq";  // redis, redis-stream, beanstalkd, nats, rabbitmq.
  Verb verb = Verb::kEnqueue;
  size_t pipeline = 1;  // Requests that are sent at once.
  size_t body_bytes = 128;
  std::string queue = "bench";
  uint64_t queues = 1;   // Over 1: "bench0", "bench1", … in turn.
  uint64_t keys = 0;     // Over 0: "key:0", "key:1", … in turn.
  bool dedup = false;    // A DEDUP id of its own for each message.
  size_t count = 0;      // Of a DEQUEUE, RPOP and ACK; 0: one verb for each message.
  bool overlap = false;  // A cycle's verbs leave together, the ACK a batch later.
  uint64_t first = 0;    // Where the numbers of keys, queues and ids begin.
};

class Talk {
 public:
  virtual ~Talk() = default;
  // What comes before the load, over a socket that blocks.
  virtual void greet(int socket) = 0;
  struct Asked {
    size_t answers = 0;     // That will come.
    size_t operations = 0;  // That are done once they are there.
  };
  // Appends the next batch to `out`. `number`: of the batch, among those of all connections.
  virtual Asked ask(std::string& out, uint64_t number) = 0;
  struct Taken {
    size_t bytes = 0;  // To be dropped from the front of what arrived.
    size_t answers = 0;
  };
  virtual Taken take(std::string_view in) = 0;
};

std::unique_ptr<Talk> make_talk(const Work& work);
std::unique_ptr<Talk> resp_talk(const Work& work);
std::unique_ptr<Talk> beanstalk_talk(const Work& work);
std::unique_ptr<Talk> nats_talk(const Work& work);
std::unique_ptr<Talk> rabbit_talk(const Work& work);

// For greet(): sends, and reads until `whole` holds. Returns all that was read.
void say(int socket, std::string_view bytes);
std::string hear(int socket, bool (*whole)(std::string_view));

}  // namespace load

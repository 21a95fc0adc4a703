// How a client of each server talks: what it sends, and which bytes are answers to it. One object a
// connection.
//
//   greet() ─► … ─► put() put() … ─► take() … ─► put() …
//
// Answers come in the order of the requests. No sockets here.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "load/work.h"

namespace load {

// A message as it was handed out. Texts live as long as the call that tells it.
struct Message {
  std::string_view queue{}, id{}, receipt{}, body{}, key{};
  int64_t attempt = 0, priority = 0, enqueued_ms = 0, until_ms = 0;
};

struct Answer {
  enum class Kind : uint8_t {
    kOk,
    kRefused,  // A limit says no.
    kEmpty,    // There is no message that may go.
    kError
  };
  Kind kind = Kind::kOk;
  std::string_view text{};              // Of an error: its words. Of an enqueue: the id.
  std::span<const Message> messages{};  // Of a dequeue.
  uint64_t count = 0;                   // Of an ack: how many.
};

class Answered {
 public:
  virtual ~Answered() = default;
  virtual Verb oldest() = 0;  // Of the request that the next answer is for.
  virtual bool owed() = 0;    // There is one.
  virtual void answered(const Answer& answer) = 0;
};

struct Ask {
  Verb verb = Verb::kPing;
  Draw draw{};
  std::span<const std::string> receipts{};  // Of an ack.
};

class Talk {
 public:
  virtual ~Talk() = default;

  // What comes before the load. Called first with nothing, then with all that arrived and was not
  // used; appends what is to be sent. Done: the load may begin. An error: it cannot.
  // `first`: of the first connection of all, which prepares the server (queues, scripts).
  struct Greeting {
    size_t used = 0;
    bool done = true;
  };
  virtual base::Result<Greeting> greet(std::string_view in, std::string& out, bool first);

  virtual void put(std::string& out, const Ask& ask) = 0;
  // Tells all whole answers in front of `in`; how many bytes they were, with what is nobody's
  // answer. An error: the stream makes no sense any more.
  virtual base::Result<size_t> take(std::string_view in, Answered& to) = 0;
};

// `connection`: its number, among all of this load.
std::unique_ptr<Talk> make_talk(const Work& work, unsigned connection);

std::unique_ptr<Talk> line_talk(const Work& work);
std::unique_ptr<Talk> resp_talk(const Work& work);
std::unique_ptr<Talk> redis_talk(const Work& work);
std::unique_ptr<Talk> http_talk(const Work& work);
std::unique_ptr<Talk> beanstalk_talk(const Work& work);
std::unique_ptr<Talk> nats_talk(const Work& work, unsigned connection);
std::unique_ptr<Talk> rabbit_talk(const Work& work);

}  // namespace load

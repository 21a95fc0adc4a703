// A Redis, a Redis Cluster, or the master that Sentinels name: commands out, replies in.
//
//   send() ─► node of the key's slot ─► one write a loop round, all commands of the round in it
//     done() ◄── replies in their order; MOVED and ASK are followed, once the connection is gone
//                everything it owes ends (kUnknown: the node may have run it)
//
// One connection a node, pipelined: a lost reply, or one that comes after its deadline, holds up
// nobody: its place in the order is kept, and what comes for it is thrown away. A connection that
// answers nothing for longer than the longest deadline given (and 100 ms) is closed and made anew.
// It reconnects by itself, with a growing pause. While a connection is being made, calls wait for
// it; between two attempts they end at once.
//
// Thread: its loop's.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/time.h"
#include "metric/metric.h"
#include "redis/metrics.h"
#include "redis/options.h"
#include "redis/reply.h"
#include "redis/slots.h"

namespace io {
class Loop;
}

namespace redis {

class Client {
 public:
  // Clients of one process that are one thing to a reader of metrics share `metrics` (one of them
  // is asked to collect()); null: its own, named after Options::client_name.
  Client(io::Loop& loop, Options options, std::shared_ptr<Metrics> metrics = nullptr);
  ~Client();  // What is in flight is dropped; its `done` is not called.
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // An error of the node (ERR …) is a Reply. Errors here: kIo: nothing was sent (not connected, or
  // the deadline passed before); kUnknown: sent, but no reply came in time; kFull: in_flight_max.
  using Done = std::function<void(base::Result<Reply>&&)>;

  // `words` are copied before it returns. `key` says which node (kCluster); empty: any. `done` is
  // called once, never from inside send(). It may send, and may destroy the client.
  void send(std::span<const std::string_view> words, std::string_view key, base::Duration deadline,
            Done done);

  // A script by its SHA-1; a node that does not know it is given its text, once. `keys` are all in
  // one slot in a cluster.
  class Script {
   public:
    explicit Script(std::string text);
    const std::string& text() const { return *text_; }
    const std::string& sha() const { return sha_; }

   private:
    friend class Client;
    std::shared_ptr<const std::string> text_;  // Shared with the calls in flight.
    std::string sha_;
  };
  void run(const Script& script, std::span<const std::string_view> keys,
           std::span<const std::string_view> arguments, base::Duration deadline, Done done);

  bool connected() const;  // To the node, or to one of the cluster's at least.
  size_t in_flight() const;
  const Options& options() const;

  // `connected` becomes true, or false. May be null.
  void on_change(std::function<void(bool connected)> told);
  void collect(metric::Families& families) const;  // Thread: any.

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace redis

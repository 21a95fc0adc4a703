// One session thread's part in the queues that are pushed: those of the thread's own shards.
//
//   engine: on_push ─► told() ─► a standing Dequeue for each queue
//        ▲                          │ deliveries: what limits and hosts let go now
//        │                          ▼
//        └─ Ack, Requeue, Nack ◄── Courier: one HTTP exchange each
//
// What it is given is being sent: it has no queue. An exchange cannot outlast its lease: the lease
// is the queue's push.timeout and kLeaseSlack, and a delivery that comes with less time than
// push.timeout goes back unsent. So a message is sent again only if its outcome was lost: by a
// crash, or because the disk held it up for longer than kLeaseSlack.
//
// Thread: its loop's.
#pragma once
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "command/shards.h"
#include "dispatch/dispatch.h"
#include "fetch/courier.h"
#include "io/loop.h"
#include "queue/settings.h"
#include "server/reports.h"

namespace server {

class Pusher {
 public:
  static constexpr base::Duration kLeaseSlack = std::chrono::seconds(10);
  static constexpr size_t kInFlightMax = 10'000;  // Where no limit says less.

  // What all pushers of a server share; outlives them.
  struct Common {
    const base::Clock& clock;
    command::Shards& shards;
    dispatch::Hosts& hosts;
    http::ClientOptions client;
  };
  // `connection`: an id that no client has. Before the loop runs.
  Pusher(io::Loop& loop, const Common& common, uint64_t connection);

  // As Engine::on_push() of one of the thread's shards tells; before the loop runs, too.
  void told(uint32_t shard, std::string_view queue, const queue::Push& push);

  // Thread: any, for these two.
  // Sends nothing more, and calls `empty`, on its own thread, when nothing is in flight or owed to
  // the shards any more. What is leased but not sent goes back.
  void stop(std::function<void()> empty);
  void cut_off();  // What is in flight is dropped and goes back: no failure.

 private:
  // What a delivery is sent by: that of the moment when it was asked for.
  struct Terms {
    uint32_t shard = 0;
    std::string queue;
    queue::Push push;
    std::optional<dispatch::Signer> signer;
  };
  struct Queue {
    // Shared with what was asked for and is being sent, which may outlive it.
    std::shared_ptr<const Terms> terms;
    std::shared_ptr<engine::Claim> standing;  // Of the Dequeue that waits; null: none.
    bool resting = false;                     // Asks again in a moment.
  };
  struct Told {
    uint32_t shard;
    queue::Push push;
  };
  struct Flight {
    std::shared_ptr<const Terms> terms;
    engine::Receipt receipt;
    std::string record;
  };
  using InFlight = std::list<Flight>::iterator;
  struct Ended {
    engine::Receipt receipt;
    dispatch::Outcome outcome;
    std::string reason;
  };
  struct Settling;  // What the requests of a run that settles point to.

  // Asking (pusher.cc).
  void settle_queues();
  std::shared_ptr<const Terms> terms_of(const std::string& name, const Told& told) const;
  void ask(Queue& queue);
  void ask_all();
  void cancel(Queue& queue);
  void rest(Queue& queue);
  void answered(const std::shared_ptr<const Terms>& terms,
                const std::shared_ptr<engine::Claim>& claim, engine::Request& request);
  void submit(std::unique_ptr<engine::Run> run, std::function<void(engine::Run&)> done);
  void tell_if_empty();
  void look();
  void look_into(uint32_t shard);

  // Sending, and telling the shards what came of it (pusher_send.cc).
  void send(const std::shared_ptr<const Terms>& terms, engine::Delivery& delivery);
  base::Status send_message(InFlight flight, base::Time now);
  void arrived(InFlight flight, fetch::Courier::Trip&& trip);
  fetch::Courier& courier();
  void end(const engine::Receipt& receipt, dispatch::Outcome outcome, std::string reason);
  void settle();

  io::Loop& loop_;
  const Common& common_;
  const uint64_t connection_;
  Reports reports_;
  std::map<std::string, Queue, std::less<>> queues_;
  std::map<std::string, Told, std::less<>> told_;  // Not looked at yet.
  std::list<Flight> flights_;
  std::vector<Ended> ended_;
  std::set<uint32_t> looked_into_;  // Shards of which Hosts knows what waits there.
  size_t looking_ = 0;              // Walks that are out.
  base::Time look_at_{};
  size_t runs_ = 0;    // That are out.
  bool full_ = false;  // Somebody did not ask because of kInFlightMax.
  bool stopping_ = false;
  std::function<void()> empty_;
  std::unique_ptr<fetch::Courier> courier_;  // Made with the first request. Goes first.
};

}  // namespace server

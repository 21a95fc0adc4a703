// A delivery's HTTP exchange, from its lease to its outcome: the one place where the client, what
// is known of hosts, and what an answer means come together. Pushes (server/) and `fetch` both go
// through it, so both keep the same manners.
//
// Thread: its loop's; several couriers share one Hosts.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "dispatch/hosts.h"
#include "http/client.h"

namespace fetch {

class Courier {
 public:
  Courier(io::Loop& loop, const base::Clock& clock, dispatch::Hosts& hosts,
          http::ClientOptions options);
  ~Courier();  // What is in flight is dropped: no `done` is called.
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  struct Trip {
    dispatch::Judgement judgement;
    http::Response response;
    base::Time started;
  };
  using Done = std::function<void(Trip&&)>;
  // As Client::send(); the host is known to limits and to Hosts by its Url::authority(). `age`: of
  // the message, since it was enqueued.
  http::Client::Id send(const http::Outgoing& outgoing, base::Duration age, Done done);
  // Ends it without an outcome: `done` is called with kGoesBack, and nothing is learnt of the host.
  void cancel(http::Client::Id id);
  void cancel_all();
  size_t in_flight() const { return client_.in_flight(); }
  const http::Client& client() const { return client_; }

 private:
  struct Open {  // A request in flight; used again.
    std::string host;
    base::Time started;
    base::Duration age{};
    Done done;
    http::Client::Id id = 0;
    bool on_its_way = false;
  };
  void arrived(Open& open, http::Response&& response);

  const base::Clock& clock_;
  dispatch::Hosts& hosts_;
  std::vector<std::unique_ptr<Open>> opens_;
  std::vector<Open*> unused_;
  http::Client client_;  // Goes first.
};

}  // namespace fetch

// All URLs of a source, fetched once each under the limits: the machine behind run_pool() and
// `ratelimmq fetch`. One loop, one thread.
//
//   Source ─► Window (a share a host, the rest on disk) ─► MemoryQueue (caps, rates, turns)
//                ▲                                              │ may run
//                │ left                                         ▼
//   Finished ◄───┴── done ◄── what the answer means ◄── Courier (HTTP) or Crew (a function)
//                             │ a failure: back to the queue, with a pause
//                             │ 429, 503 with Retry-After: back at once; its host is blocked
//                             └ a redirect: another request, under its own host's limits
//
// Tried again (`retries`): no answer at all, 408, and 5xx. A host that has given no other answer
// than "later", or none, for `give_up`, or says that it will not for so long, is given up: what is
// left of it ends with an error.
//
// Thread: the loop's.
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "dispatch/hosts.h"
#include "fetch/carried.h"
#include "fetch/courier.h"
#include "fetch/crew.h"
#include "fetch/memory_queue.h"
#include "fetch/pool.h"
#include "fetch/source.h"
#include "fetch/window.h"
#include "io/alarm.h"
#include "io/loop.h"

namespace fetch {

// The law of a rate. Without a burst: what the rate gives in a tenth of a second, at least 1.
base::Result<limit::Gcra> pace(const limit::Rate& rate, std::optional<int64_t> burst);

struct SweepOptions {
  MemoryQueue::Terms limits;  // Its lease is the sweep's own.
  HttpTerms terms;
  base::Duration give_up = std::chrono::seconds(300);
  Window::Terms window;
  std::vector<std::pair<std::string, std::string>> fields;
  http::ClientOptions client;
  uint64_t body_bytes_max = uint64_t{1} << 40;
  Crew::Work blocking;  // Instead of HTTP; null: HTTP.
  // Called when an attempt starts: where its body goes. May be null.
  std::function<std::function<bool(std::string_view)>(uint64_t index, std::string_view url)>
      open_body;
};

struct Finished {
  uint64_t index = 0;
  std::string_view host;  // By its Url::authority(), of the last request; empty: it is no URL.
  Result result;
};

struct Progress {
  uint64_t finished = 0, requests = 0;  // Requests: retries and redirects too.
  size_t in_flight = 0, in_hand = 0;
  uint64_t on_disk = 0;
  size_t hosts = 0, blocked_hosts = 0;  // Of those with something in hand.
  bool read_all = false;                // No more is to be read.
};

class Sweep {
 public:
  using OnFinished = std::function<void(Finished&&)>;
  // kInvalid: a limit is out of its bounds. `on_end` is called once all are finished.
  static base::Result<std::unique_ptr<Sweep>> make(io::Loop& loop, const base::Clock& clock,
                                                   SweepOptions options, Source& source,
                                                   OnFinished on_finished,
                                                   std::function<void()> on_end);
  ~Sweep();  // What is in flight is dropped.

  void start();
  void stop();  // Nothing starts or finishes from now on; `on_end` is not called.
  Progress progress() const;
  // What went wrong apart from URLs: the input or the disk cannot be read. Empty: nothing.
  std::string error() const { return error_.empty() ? source_.error() : error_; }

 private:
  struct Flight {  // A request that runs; used again.
    engine::Receipt receipt;
    uint64_t index = 0;
    unsigned redirects = 0;
    bool foreign = false;
    std::string given;
    http::Url url;
    Host* host = nullptr;
  };
  struct Past {  // Of a message that came back.
    Host* host = nullptr;
    base::Time first{};  // When its first attempt ended.
    unsigned failures = 0;
  };
  struct Pending {  // Read, but nowhere to go yet.
    uint64_t index;
    std::string given;
    http::Url url;
    std::string host;
  };
  Sweep(io::Loop& loop, const base::Clock& clock, SweepOptions options, Source& source,
        OnFinished on_finished, std::function<void()> on_end);
  base::Status open();

  void pump(size_t lines_max);
  void pump_soon();
  bool fill(size_t lines_max, base::Time now);
  bool admit(uint64_t index, std::string_view given, const http::Url& url, Host& host,
             base::Time now);
  void enter(const Carried& carried, const http::Url& url, Host& host, base::Time now);
  void refill(Host& host, base::Time now);
  void keep_house();
  void settle(base::Time now);

  void run(const MemoryQueue::Run& run, base::Time now);
  void send(Flight& flight);
  void arrived(Flight& flight, Courier::Trip&& trip);
  void worked(Flight& flight, Result&& result);
  bool redirected(Flight& flight, const http::Response& response, Result& result, base::Time now);
  void go_back(Flight& flight, Result&& result, base::Time now);
  void failed(Flight& flight, Result&& result, base::Time now);
  void end(Flight& flight, Result&& result, base::Time now);
  void finish(uint64_t index, std::string_view host, Result&& result);
  void refuse(uint64_t index, std::string_view given, std::string_view host, std::string error);
  bool has_given_up(Host& host, const std::string& last, base::Time now);
  void end_waiting(Host& host, queue::Number number, base::Time now);
  void end_all(Host& host, base::Time now);
  Past& past_of(const Flight& flight, base::Time now);
  Flight& flight();

  io::Loop& loop_;
  const base::Clock& clock_;
  SweepOptions options_;
  Source& source_;
  const OnFinished on_finished_;
  const std::function<void()> on_end_;
  std::vector<http::Field> fields_;
  Window window_;
  std::unique_ptr<MemoryQueue> queue_;
  std::unique_ptr<dispatch::Hosts> hosts_;
  boost::unordered_flat_map<queue::Number, Past> past_;
  std::vector<std::unique_ptr<Flight>> flights_;
  std::vector<Flight*> unused_;
  std::vector<Host*> lost_;  // Given up; what is left of them is to be ended.
  std::optional<Pending> pending_;
  io::Alarm alarm_;
  base::Time kept_{};
  std::string body_, error_;
  uint64_t finished_ = 0, requests_ = 0;
  size_t in_flight_ = 0;
  bool source_ended_ = false, source_waits_ = false;
  bool pumping_ = false, posted_ = false, stopped_ = false;
  std::shared_ptr<bool> gone_ = std::make_shared<bool>(false);  // Tasks in the loop outlive this.
  std::unique_ptr<Courier> courier_;
  std::unique_ptr<Crew> crew_;  // Goes first: its threads speak to the rest.
};

}  // namespace fetch

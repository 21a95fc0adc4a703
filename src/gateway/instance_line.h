// The asks of one limiter instance, a thread: what comes while others are on their way gathers, and
// goes as one POST /v1/checks?brief=1.
//
//   add() ─► waiting ── send(): fewer than kFlyingMax fly ─► flying ─► its answer ─► ended()
//                │                                             │ failure: the connection's, or a
//                └──────── deadline of an ask: expire() ◄──────┘ status that is no answer
//
// An instance that is quick is asked at once; one that is busy is asked more at a time. A list that
// is refused for what is in it is sent again ask by ask, so that none spoils another's.
//
// Thread: its loop's.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "gateway/decision.h"
#include "proxy/pool.h"
#include "proxy/way.h"

namespace gateway {

// One ask on its way to a decision.
struct Pending {
  std::function<void(Decision&&)> done;
  std::string key;     // What rendezvous hashes.
  base::Time since;    // The deadline runs from here.
  base::Time chosen;   // When this instance was.
  bool again = false;  // It is the second try.
};

class InstanceLine;

// What came of an ask.
struct Ended {
  std::optional<Decision> decision{};  // Nothing: the instance has failed.
  bool late = false;                   // It has not answered before the deadline.
  bool uncharged = false;              // Surely: another one may be asked.
};

// Whose asks they are.
class LineHome {
 public:
  virtual ~LineHome() = default;
  virtual base::Time now() const = 0;
  // Told once of every ask, from the loop, last of all that is done with it. `text` is the ask as
  // add() was given it; a view that lives until it returns.
  virtual void ended(uint64_t instance, Pending&& ask, std::string_view text, Ended&& how) = 0;
  virtual void may_send(InstanceLine& line) = 0;  // line.send() soon, once.
};

class InstanceLine {
 public:
  static constexpr size_t kFlyingMax = 2;
  static constexpr size_t kAsksMax = 256;  // Of a list; an instance takes 1,000.

  struct Terms {
    uint64_t id;  // Of the instance.
    std::string host;
    uint16_t port;
    base::Duration deadline;  // Of an ask; of it a third for a connection.
  };
  InstanceLine(const Terms& terms, LineHome& home, const proxy::Pool::Terms& pool);
  ~InstanceLine();  // What it holds is dropped.

  uint64_t instance() const { return terms_.id; }
  void add(Pending&& ask, std::string_view text);  // Text: append_check()'s.
  void send();
  // Ends what is over its time, sees to the connections. Returns when to come again, at the latest.
  base::Time expire();
  bool idle() const;  // It holds no ask and no connection.

 private:
  struct Batch;
  struct Overdue {
    struct Row {
      Pending ask;
      std::string text;
      Ended how;
    };
    const base::Time now;
    base::Time next;  // Of what is not over: when that will be.
    std::vector<Row> ended;
  };

  Batch& gathering();
  void tell();
  void fly(std::unique_ptr<Batch> batch, bool fresh);
  std::unique_ptr<Batch> land(Batch& batch);
  void answered(Batch& batch);
  void failed(Batch& batch, proxy::UpstreamFailure failure, bool stale);
  void each_alone(Batch& batch);
  void end_all(Batch& batch, const Ended& how);
  std::unique_ptr<Batch> collect_waiting(std::unique_ptr<Batch> batch, Overdue& overdue) const;
  void collect_flying(Batch& batch, Overdue& overdue) const;

  const Terms terms_;
  LineHome& home_;
  const proxy::Way way_;
  io::Alarm& alarm_;  // Rings for expire().
  std::string head_;  // Of a request, up to its length.
  proxy::Pool pool_;
  std::deque<std::unique_ptr<Batch>> waiting_;
  std::vector<std::unique_ptr<Batch>> flying_;
  bool told_ = false;  // The home has been.
};

}  // namespace gateway

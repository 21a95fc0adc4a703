// Who waits at which limit, and whose turn it is when the limit frees.
//
//   state S (a limit's state, by its key)          queue q
//     at: when its first line may go                 free lines: S may have room for them, but
//     lines: ─ (S, q) ─ (S, r) ─ check … ─           when they became free nobody wanted work
//                 │
//                 └ heap of parked flows of q, by (turn, priority)
//
// A flow whose ask is refused is parked in the line (S, its queue) of the limit that frees last; it
// costs nothing until its instant. While a state has armed lines, whoever else meets the state goes
// behind them without being asked (limiter::TakeTerms::queued): turns at one limit are strict, so
// a large cost does not starve. When the state's instant comes, its first line is free: if its
// queue has consumers they are served at once, else the line waits for one in the queue's list. A
// refusal arms it again: at the front, or at the back if it got something. So a limit that frees
// wakes as many flows as fit and asks one too many, never all that wait; and a wake that its flow
// cannot use passes on to the next, since the state stays due until somebody is refused there.
//
// Requests CHECK … WAIT of equal descriptors form a line of their own, in order of arrival.
//
// A flow that was first and refused kPassedOverMax times (it needs two scarce limits out of phase,
// or others take its units) gets a promise (limiter/taker.h) and is asked at its instant, whatever
// the lines. So it goes after at most that many turns and the time its limits need for its cost.
//
// Thread: one owner.
#pragma once
#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_map.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "engine/metrics.h"
#include "engine/request.h"
#include "engine/template.h"
#include "limiter/taker.h"
#include "queue/queue.h"

namespace engine {

struct HashOfHash {
  size_t operator()(const base::Hash128& hash) const { return hash.low ^ hash.high; }
};

class Gate {
 public:
  static constexpr uint32_t kPassedOverMax = 8;

  // What the gate asks of its owner.
  struct Owner {
    std::function<bool(queue::QueueId)> in_demand;  // A consumer waits, and it is not paused.
    std::function<void(queue::QueueId)> serve;      // Its consumers; may call ask() and so on.
    std::function<void(Request&)> answer;           // A Check that has its answer.
    // What the head of a flow asks of limits; without a domain: nothing. Until the next call.
    std::function<limiter::Ask(const queue::Store::Flow&)> ask_of;
    std::function<uint64_t(queue::Number)> hold_of;  // If the message were delivered now.
  };
  Gate(limiter::Taker& taker, queue::Store& store, uint32_t shard, Engine::Metrics& metrics,
       Owner owner);
  ~Gate();

  // The flow that goes next in a queue: one that is ready, or the first of a free line.
  queue::FlowId next(queue::QueueId id);

  // May its head go now? True: its units are charged and its holds taken; the owner leases it, or
  // takes it back with untake(). False: it is parked. REQUIRES: `flow` is what next() said.
  struct Hold {
    uint64_t id;
    base::Duration ttl;
    uint64_t wanted = 1;  // Messages that consumers would take, this one included.
  };
  bool ask(queue::FlowId flow, const Hold& hold, base::Time now);
  void untake(queue::FlowId flow, const Hold& hold, base::Time now);

  // CHECK … WAIT: answers at once (true) or keeps it until it may go or leave()s.
  bool check(Request& request, base::Time now);
  // Its time is over, or its connection has gone: it waits no more and is answered as it stands.
  void leave(Request& request, base::Time now);

  // What is due: states whose instant has come, promises, a slice of the lines after a reload.
  void advance(base::Time now);
  base::Time due() const;
  void freed(base::Hash128 state, base::Time now);
  void recheck();  // Limits have changed: everybody may go.
  void settle(
      base::Time now);  // After changes of the store: parked flows that changed or vanished.

  struct Wait {
    std::string_view limited_by;
    base::Time until;  // Time::max(): not known.
  };
  Wait waits(queue::FlowId flow);  // REQUIRES: parked.
  // Units that are on their way to flows of the queue (limiter::Obstacle::sent_for). The owner asks
  // for no more of them than its consumers want; who else would not wait waits for these.
  uint64_t awaited(queue::QueueId id) const;
  uint64_t awaited_beside(queue::FlowId flow, queue::QueueId id) const;  // By others than it.
  size_t lines() const { return lines_in_use_; }

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};
  static constexpr size_t kSlice = 512;
  static constexpr uint32_t kAheadMax = 31;

  struct Entry {
    uint64_t turn;
    uint32_t priority;
    queue::FlowId flow;
    bool before(const Entry& other) const {
      return turn != other.turn           ? turn < other.turn
             : priority != other.priority ? priority < other.priority
                                          : flow < other.flow;
    }
  };
  struct CheckLine {
    std::string ask;  // Encoded.
    std::deque<Request*> waiting;
    uint32_t line = kNone;
  };
  struct Line {
    uint32_t state = kNone;
    queue::QueueId queue = 0;
    CheckLine* check = nullptr;                      // Not a queue's.
    boost::container::small_vector<Entry, 1> flows;  // A heap; flows know their places in it.
    uint32_t next = kNone, previous = kNone;         // In the state's list, or the queue's free.
    bool free = false;
    bool took = false;  // Since it became free.
  };
  struct Ends {
    uint32_t first = kNone, last = kNone;
  };
  struct State {
    base::Hash128 key{};
    base::Time at{};
    Ends armed;
    uint32_t lines = 0;  // Free ones too.
    uint32_t name = 0;
    uint32_t heap = kNone;
    bool timed = false;    // `at` is an instant that a limit named.
    bool answers = false;  // Of one ask, whose answer is awaited: no limit's.
    uint32_t ahead = 0;    // Flows that are asked for together with the first one.
  };
  struct LineKey {
    uint32_t state;
    queue::QueueId queue;
    friend bool operator==(const LineKey&, const LineKey&) = default;
  };
  struct HashOfLineKey {
    size_t operator()(const LineKey& key) const {
      return (uint64_t{key.state} << 32 | key.queue) * 0x9e3779b97f4a7c15u;
    }
  };

  // Asking.
  struct Refused {
    uint32_t state = kNone;
    base::Time at{};
    bool asked = true;  // False: others wait there, so the limits were not asked.
    bool never = false;
    uint64_t sent_for = 0;
  };
  // Nothing: taken. Else where to wait; the state is watched.
  std::optional<Refused> take(const limiter::Ask& ask, limiter::TakeTerms terms, base::Time now,
                              limiter::Answer* answer = nullptr);
  uint32_t watched(const limiter::Obstacle& obstacle, bool& fresh);
  void go_from(uint32_t line, queue::FlowId flow);
  void park(queue::FlowId flow, const Refused& refused, base::Time now);
  std::optional<base::Hash128> waits_at() const;
  void await(queue::FlowId flow, queue::QueueId queue, uint64_t units);
  uint64_t look_ahead(uint32_t line, queue::FlowId first, const Hold& hold, base::Time now);
  void await_no_more(queue::FlowId flow);
  void answer_all(base::Time now);
  void passed_over(queue::FlowId flow, const limiter::Ask& ask, base::Time now);
  void keep_promise(queue::FlowId flow, base::Time now);
  void break_promise(queue::FlowId flow);
  uint64_t owner_of(queue::FlowId flow) const { return uint64_t{shard_ + 1} << 32 | flow; }
  bool ask_check(CheckLine& check, base::Time now);
  void stand(CheckLine& check, const Refused& refused, base::Time now);
  static void fill(Check& check, const limiter::Answer& answer);

  // Flows in lines.
  queue::FlowId first_of(uint32_t line);
  void push(uint32_t line, queue::FlowId flow);
  void pull(queue::FlowId flow);     // Out of its line; still parked.
  void release(queue::FlowId flow);  // Out of its line, and not parked any more.
  void next_may_go(uint32_t line);
  void place(Line& line, size_t at, const Entry& entry);
  void sift(Line& line, size_t at);
  uint32_t line_with(queue::FlowId flow) { return store_.note(flow, 0) - 1; }  // kNone: none.

  // Lines of states.
  uint32_t line_of(uint32_t state, queue::QueueId queue);
  uint32_t find_line(uint32_t state, queue::QueueId queue) const;
  uint32_t new_line(uint32_t state, queue::QueueId queue, CheckLine* check);
  void drop_line(uint32_t line);
  void drop_if_empty(uint32_t line);
  void drop_if_unused(uint32_t state);
  void arm(uint32_t line, bool at_front);
  void set_free(uint32_t line);
  void unlink(uint32_t line);
  static void link(std::deque<Line>& lines, Ends& ends, uint32_t line, bool at_front);
  Ends& ends_of(const Line& line);
  void refused_here(uint32_t line, base::Time at, base::Time now);
  void step(uint32_t state, base::Time now);
  uint32_t name_of(const std::string& name);

  // The heap of states by `at`.
  void wake(uint32_t state, base::Time at, bool timed);
  void heap_sift(size_t at);
  void heap_remove(uint32_t state);
  void heap_place(size_t at, uint32_t state);

  limiter::Taker& taker_;
  queue::Store& store_;
  const uint32_t shard_;
  Engine::Metrics& metrics_;
  const Owner owner_;
  std::function<bool(base::Hash128)> queued_;
  std::vector<base::Hash128> uncharged_;  // By the last ask(), for an untake() behind it.
  uint32_t asking_ = kNone;               // The state whose turn the present ask is.

  std::deque<State> states_;  // Deques: they grow without being copied.
  std::vector<uint32_t> unused_states_;
  std::deque<Line> lines_;
  std::vector<uint32_t> unused_lines_;
  size_t lines_in_use_ = 0;
  std::vector<uint32_t> heap_;
  boost::unordered_flat_map<base::Hash128, uint32_t, HashOfHash> by_key_;
  boost::unordered_flat_map<LineKey, uint32_t, HashOfLineKey> many_;  // Of states with > 4 lines.
  boost::unordered_flat_map<queue::QueueId, Ends> free_;              // Free lines of queues.
  boost::unordered_map<std::string, CheckLine> checks_;
  boost::unordered_flat_map<queue::FlowId, base::Time> promised_;
  std::multimap<base::Time, queue::FlowId> promises_;  // Those of promised_, by instant.
  queue::FlowId urgent_ = queue::kNoFlow;              // Its promised instant is now.
  boost::unordered_flat_map<Request*, CheckLine*> check_of_;
  struct Awaited {
    queue::QueueId queue;
    uint64_t units;
  };
  boost::unordered_flat_map<queue::FlowId, Awaited> awaited_;
  boost::unordered_flat_map<queue::QueueId, uint64_t> awaited_of_;  // Units; not 0.
  std::vector<uint32_t> answered_;                                  // States that were told.
  std::vector<std::string> names_;
  boost::unordered_map<std::string, uint32_t> name_numbers_;
  std::vector<queue::FlowId> changed_;
  uint32_t recheck_ = kNone;  // The next state to wake after a reload.
};

}  // namespace engine

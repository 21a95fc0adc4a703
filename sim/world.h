// All of one life: the process, its disk, its clients, and what they know. Split by what it does:
//   clients.cc  producers, consumers, administration, checks       (what is asked)
//   answers.cc  what answers and silence say about messages        (what is known)
//   faults.cc   kills, power cuts, failing disks, jumps, restarts  (what goes wrong)
//   pushes.cc   the dispatcher and its exchanges with hosts
//   quiet.cc    what must hold whenever the process is at rest
//   replica.cc  a second process on a copy of the disk: replay, deduplication, corruption
//   drain.cc    the end: everything that waits goes out, in order
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/record.h"
#include "engine/template.h"
#include "sim/broken.h"
#include "sim/ledger.h"
#include "sim/process.h"
#include "sim/replica.h"
#include "sim/sim.h"
#include "sim/story.h"
#include "sim/street.h"

namespace sim {

struct InHand {  // A receipt that a consumer keeps, perhaps for longer than its lease.
  engine::Receipt receipt;
  uint64_t uid = 0;
};

struct Consumer {
  uint64_t connection = 0;
  uint32_t asked = 0;  // Of its DEQUEUEs that are not answered.
  bool vanishes = false, greedy = false, slow = false;
};

struct Remembered {  // Of a deduplication id.
  queue::Number number = 0;
  base::Time until{};  // At the earliest.
  bool sure = true;
  base::Time earliest{}, latest{};  // When it was seen first.
};

struct Hold {  // Of ACQUIRE.
  std::string id;
  Pairs descriptors;
  base::Time until;
};

struct ByUid {  // Not by address: a seed's life is the same everywhere.
  bool operator()(const Story* a, const Story* b) const { return a->uid < b->uid; }
};
using Stories = std::set<Story*, ByUid>;

class World {
 public:
  World(const LifeOptions& options, Outcome& outcome);
  void live();  // Throws Broken.
  std::vector<std::string> trace() const { return {trace_.begin(), trace_.end()}; }

 private:
  // ---- Running.
  void begin();  // Opens, and looks at everything.
  void go();     // One event: an action of the agenda or a turn of the process.
  void later(base::Duration after, std::function<void()> action);
  void ask(std::unique_ptr<Op> op);
  Op& ask_now(std::unique_ptr<Op> op);  // REQUIRES: at rest. Valid until the next call.
  void dispatch();                      // Answers to those who asked.
  void rest();                          // Until nothing is due and nothing is out.
  void tell(const std::string& line);
  void digest(uint64_t value) { outcome_.digest = (outcome_.digest ^ value) * 1'099'511'628'211u; }
  std::unique_ptr<Op> op(uint32_t shard) const;
  uint32_t shard_of(size_t queue) const;
  base::Time now() const { return process_.now(); }

  // ---- Clients.
  void start_clients();
  void produce();
  void consume(size_t consumer);
  void dequeue(size_t consumer);
  void wait_for(size_t queue);
  void work_on(size_t consumer, const InHand& in_hand, base::Duration lease);
  void finish(const InHand& in_hand, uint64_t kind);
  void vanish(size_t consumer);
  void check();
  void reserve();
  void administer();
  void prepare_queues();  // Sets those that are not declared.
  Pairs some_descriptors();
  static std::string text_of(const Pairs& pairs);
  std::unique_ptr<Op> show(uint32_t shard, queue::Number number) const;

  // ---- Answers.
  void learn(Op& op);  // Answered.
  void doubt(Op& op);  // Never answered.
  void note(Op& op);
  void learn_enqueue(Op& op, const engine::Enqueue& what);
  void learn_dequeue(Op& op, const engine::Dequeue& what);
  void learn_receipt(const Op& op, const engine::Receipt& receipt, Event event, bool done);
  void learn_check(const Op& op, const engine::Check& what);
  void learn_queue(Op& op, std::string_view queue, Event::What what);
  void doubt_dequeue(const engine::Dequeue& what);
  bool any_in_doubt(size_t queue, uint64_t but) const;
  bool deduplicated(const Op& op, size_t i, queue::Number number);
  void enqueued(const Op& op, size_t i, queue::Number number, bool sure);
  void bind(Story& story, queue::Number number);
  Story& story_of(const engine::Delivery& delivery, const engine::Stored& stored, const Op& op);
  void compare(const Story& story, const engine::Stored& stored) const;
  void refused(const Op& op);  // May it be refused like that?
  size_t queue_of(std::string_view name) const;

  // ---- Pushes.
  dispatch::HostsOptions hosts_options() const;
  void start_pushes();  // The process is new.
  bool pushed(size_t queue) const;
  void stand(size_t queue);
  void push(const engine::Delivery& delivery, uint32_t shard);
  void end_push(const InHand& in_hand, const std::string& host, const Street::Answer& answer,
                base::Time started);
  void trouble_hosts();
  static std::string host_of(const Story& story);
  void address(Story& story);
  void judge_targets();

  // ---- Faults.
  void adversary();
  void end_process(bool power_cut);
  void end_stories(bool unsynced);
  void restart(bool power_cut);
  void after_turn();  // Has the disk or a shard failed?
  void failed_shard();
  void stop_cleanly();
  void fill_disk();
  void reload();

  // ---- At rest.
  void look(bool restarted);  // At everything, and against every promise.
  void find_unknown();
  void look_at_messages();
  void look_at(Story& story);
  void look_for_returned();
  void look_for_unknown(uint32_t shard, std::vector<engine::Shown>& found);
  std::string limited_by_;            // What allowed() met.
  std::string depths_;                // What is wrong with them, by the last look().
  std::vector<engine::Shown> shown_;  // By the last look(), of all shards.
  void compare_depths();
  void judge_rest();  // Nothing waits that may go.
  void judge_waiting(const Op& op);
  std::string why(const Story& story);
  void judge_hint();  // P4.
  bool allowed(const Pairs& descriptors, int64_t cost, base::Time at,
               base::Duration* retry = nullptr, const Pairs& outbound = {});
  using Held = std::map<std::pair<std::string, std::string>, int64_t>;
  Held held() const;
  Held held_outbound() const;
  void hold_live(Pairs Story::*pairs, Held& held) const;

  // ---- Replica.
  void compare_replica();
  std::string differs(Replica& replica, bool synced_only);
  std::string differs_in_queues(Replica& replica);
  void corrupt();

  // ---- The end.
  void drain();
  using Standings = std::map<std::string, std::set<std::pair<uint64_t, queue::Number>>>;  // By key.
  using Leads = std::map<std::pair<std::string, std::string>, double>;  // Of pairs of keys.
  void drain_in_order();
  void drain_in_order(size_t queue);
  void judge_turns(const queue::Settings& settings, const Standings& keys, const Story& story,
                   Leads& ahead);
  void drain_by_limits();

  const LifeOptions options_;
  Outcome& outcome_;
  Dice dice_;
  Plan plan_;
  std::vector<LimitPlan> limits_;  // In force.
  Disk disk_;
  Process process_;
  Ledger ledger_{kDomain}, outbound_ledger_{std::string(engine::kOutbound)};
  Street street_;
  std::unique_ptr<dispatch::Hosts> hosts_;  // Of the present process.
  std::vector<bool> standing_;              // By queue: a DEQUEUE of the dispatcher's.
  uint64_t pusher_ = 0;                     // Its connection.

  std::multimap<base::Time, std::function<void()>> agenda_;
  std::vector<std::unique_ptr<Story>> stories_;                       // By uid - 1.
  std::vector<std::unordered_map<queue::Number, Story*>> by_number_;  // By shard.
  std::vector<Stories> waited_for_;  // By queue: those that are not over.
  std::map<std::pair<size_t, std::string>, Remembered> remembered_;
  std::vector<Consumer> consumers_;
  std::vector<InHand> stale_;  // Receipts that somebody kept.
  std::vector<Hold> holds_;
  std::vector<bool> paused_;  // By queue, as far as is known: out.
  std::vector<bool> maybe_paused_;
  std::unique_ptr<Op> answer_;  // Of ask_now().
  std::deque<std::string> trace_;
  uint64_t next_connection_ = 1, steps_ = 0, ends_ = 0, learned_ = 0;
  bool disk_full_ = false, ending_ = false, laws_changed_ = false, stopping_ = false;
  bool unknown_ = false;  // Some messages may be there whose numbers nobody was told.
};

}  // namespace sim

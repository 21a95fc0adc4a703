// The connections of one thread, and what they are told to ask next.
//
// Thread: its loop's; open(), start(), wind_up() and stop() are posted to it by run.cc.
#pragma once
#include <atomic>
#include <deque>
#include <functional>
#include <memory>

#include "io/alarm.h"
#include "io/loop.h"
#include "load/claims.h"
#include "load/connection.h"
#include "load/load.h"
#include "load/recorder.h"
#include "load/schedule.h"

namespace load {

struct Phases {
  base::Time begin, measured, end;
};

class Driver final : private Connection::Told {
 public:
  struct Terms {
    const Options& options;
    unsigned thread;
    Claims& claims;
    Recorder* recorder;  // Null: nothing is recorded.
    std::function<void()> on_opened;
    std::function<void(base::Status)> on_done;  // Once, after start(), or for an error before.
  };
  explicit Driver(Terms terms);

  io::Loop& loop() { return loop_; }
  void open();                       // All connections; on_opened() follows.
  void start(const Phases& phases);  // on_done() follows.
  void wind_up();                    // Asks no more.
  void stop();                       // Nor waits for any answer.

  const Tally& tally() const { return tally_; }  // After on_done().
  // Thread: any.
  uint64_t answers() const { return answers_.load(std::memory_order_relaxed); }
  uint64_t errors() const { return errors_.load(std::memory_order_relaxed); }

 private:
  void on_ready(Connection& from) override;
  void on_answer(Connection& from, const Open& open, const Answer& answer) override;
  void on_answers(Connection& from) override;
  void on_lost(Connection& from, const std::string& why) override;

  void open_next();
  bool ask(Connection& of, base::Time since, base::Time now, Claims::Range* given);
  bool ask_mix(Connection& of, Claims::Range range);
  bool ask_cycle(Connection& of, Claims::Range* given);
  bool ask_messages(Connection& of);
  bool acknowledge(Connection& of);
  void dequeue(Connection& of, Claims::Range messages);
  void enqueue(Connection& of, Claims::Range messages);
  void put(Connection& of, Verb verb, uint64_t number, std::vector<std::string> receipts = {});
  Claims::Range claim(Claims::Range* given);
  Verb draw_verb();

  void send_due();
  void go_on(Connection& of);
  void count(const Open& open, const Answer& answer);
  void let_pass(const Open& open, const Answer& answer, base::Time now);
  void keep(Connection& of, const Open& open, const Answer& answer);
  void made_and_lost(Connection& of, base::Time now);
  bool spent(const Connection& of) const;
  void give_up(Connection& of, std::string_view why);
  void finish_if_done();
  void finish(base::Status status);
  bool open_loop() const { return options_.rate > 0; }

  const Terms terms_;
  const Options& options_;
  const Work& work_;
  const Keys keys_;
  base::Random random_;
  uint32_t weights_ = 0;
  const bool acks_;

  io::Loop loop_;
  io::Alarm alarm_;
  std::deque<Connection> connections_;
  std::unique_ptr<Lines> lines_;
  size_t opening_ = 0;  // Connections that were begun.
  size_t ready_ = 0;
  base::Time last_ready_{};

  bool started_ = false, done_ = false;
  Phases phases_{};
  Schedule schedule_;
  uint64_t next_batch_ = 0;
  size_t turn_ = 0;  // Of the connections, in an open loop.
  size_t outstanding_ = 0;
  base::Time since_{}, now_{};  // Of the batch that is being asked.

  Tally tally_;
  std::atomic<uint64_t> answers_{0}, errors_{0};
};

}  // namespace load

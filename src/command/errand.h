// What one feed of a connection asks of the shards: it gathers while the feed runs, travels as one
// engine::Run, and fills one place in the order of answers with all its answers at once.
//
//   ENQUEUE ENQUEUE ACK  PING  ENQUEUE DEQUEUE … WAIT
//   └──── errand ────┘   now   └errand┘└─ alone ────┘   commands behind it wait for its answer
//
// Memory: an errand owns a copy of every word that its requests look at. Errands are used again:
// each thread keeps a few, so a steady state allocates little.
//
// Thread: one; a run comes back on the thread that sent it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "command/arena.h"
#include "command/shards.h"
#include "command/verb.h"
#include "engine/request.h"

namespace command {

// The requests of one command, answered, as its verb looks at them.
struct Told {
  std::span<engine::Request> requests;
  base::Time now;                          // When they were asked.
  const dispatch::Hosts* hosts = nullptr;  // As Services'.

  template <typename What>
  What& as(size_t i = 0) const {
    return std::get<What>(requests[i].what);
  }
};

class Errand {
 public:
  static constexpr size_t kCommandsMax = 512;
  static constexpr size_t kBytesMax = size_t{1} << 20;  // Over it, it leaves.

  // Writes one command's answer. Not called if one of its requests was refused: then that is the
  // answer.
  using Tell = void (*)(const Told&, protocol::Writer&);

  Errand();
  Errand(const Errand&) = delete;
  Errand& operator=(const Errand&) = delete;

  // A command whose requests are those added next, at least one.
  void begin(Tell tell);
  // Valid until the next add().
  template <typename What>
  What& add(uint32_t shard) {
    engine::Request& request = requests_.emplace_back();
    request.shard = shard;
    ++parts_.back().count;
    return request.what.emplace<What>();
  }

  // Copies that live until the answers are written.
  std::string_view keep(std::string_view text) { return arena_.keep(text); }
  template <typename T>
  std::span<T> keep_array(size_t n) {
    return arena_.array<T>(n);
  }
  std::pmr::memory_resource& memory() { return arena_.memory(); }

  bool full() const { return parts_.size() == kCommandsMax || arena_.bytes() >= kBytesMax; }

 private:
  friend class Draft;
  struct Part {
    Tell tell;
    uint32_t first, count;  // Of requests.
  };
  static std::shared_ptr<Errand> take();  // A new one, or one used before.
  static void give_back(std::shared_ptr<Errand> errand);
  static void send(std::shared_ptr<Errand> errand, Seat& seat);
  void come_back(engine::Run& run);
  void write(std::span<engine::Request> requests, std::string& answers) const;

  Arena arena_;
  std::vector<engine::Request> requests_;
  std::vector<Part> parts_;
  std::optional<Later> later_;
  Counters* counters_ = nullptr;
  const dispatch::Hosts* hosts_ = nullptr;
  base::Time now_{};
  protocol::Wire wire_ = protocol::Wire::kLine;
  bool alone_ = false;
};

// Where a verb puts what it asks.
class Draft {
 public:
  Draft(Seat& seat, std::shared_ptr<Errand>& open) : seat_(seat), open_(open) {}

  Errand& together();  // With the commands before it.
  Errand& alone();     // By itself, and the commands behind it wait for its answer.
  // For an answer that the verb finds by itself: what is open leaves, and the commands behind it
  // wait for it.
  Later later();

  void close_if_due();  // After a command: if the errand is full, or alone.
  void close();         // Sends what is open, if anything is.

 private:
  Seat& seat_;
  std::shared_ptr<Errand>& open_;  // Null: none.
};

}  // namespace command

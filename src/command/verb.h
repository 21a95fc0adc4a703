// The table of verbs: one row each, read by dispatch, HELP, COMMAND, the reference in docs/,
// metrics and the fuzzer's dictionary.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command/services.h"
#include "protocol/protocol.h"

namespace command {

class LawCache;   // command/law_cache.h
class Replies;    // command/replies.h
class VerbTable;  // below
struct Client;    // command/client.h: what a connection has said of itself (HELLO, CLIENT, …).
class Draft;      // command/errand.h
struct Owed;      // command/replies.h

// A promise to answer: filled once, now or later; dropped unfilled it answers UNKNOWN. When the
// connection has gone in the meantime, filling does nothing.
class Later {
 public:
  Later(std::shared_ptr<Owed> owed, uint64_t place, protocol::Wire wire);
  Later(Later&&) noexcept = default;
  Later& operator=(Later&&) = delete;
  ~Later();

  // `write` writes exactly one value. REQUIRES: not yet filled.
  void fill(const std::function<void(protocol::Writer&)>& write);
  // The same with the bytes of several answers, one behind the other, that are counted already.
  void fill_many(std::string_view answers);
  bool wanted() const;  // False: the connection has gone.

 private:
  std::shared_ptr<Owed> owed_;  // Null: filled, or moved from. Shared: see replies.h.
  uint64_t place_;
  protocol::Wire wire_;
};

// What a connection lends to each of its calls.
struct Seat {
  Services& services;
  const Caller& caller;
  Client& client;
  Replies& replies;
  const VerbTable& table;
  base::Time now{};
  bool close = false;      // Set by Call::close_after.
  bool travelled = false;  // Something was asked of the shards.
};

// One request being run. Its words are valid while the verb's function runs; those of a decision,
// until its batch is answered.
class Call {
 public:
  // `keep` and `laws` live as long as the words. A decision writes an error to `refusal`; other
  // verbs (null) answer where the connection's next answer goes.
  Call(Seat& seat, std::span<const std::string_view> words, std::pmr::memory_resource& keep,
       LawCache& laws, std::string* refusal = nullptr)
      : seat_(seat), words_(words), keep_(keep), laws_(laws), refusal_(refusal) {}

  std::span<const std::string_view> words() const { return words_; }  // The verb first.
  std::string_view word(size_t i) const { return words_[i]; }
  Services& services() { return seat_.services; }
  const Caller& caller() const { return seat_.caller; }
  Client& client() { return seat_.client; }
  const VerbTable& table() const { return seat_.table; }
  base::Time now() const { return seat_.now; }  // Read once for all the requests of one feed().
  std::pmr::memory_resource& keep() { return keep_; }  // For what must live as long as the words.
  LawCache& laws() { return laws_; }

  protocol::Writer& answer();           // Answer now: exactly one value.
  void fail(const base::Error& error);  // Answer now, with an error.
  void ok(const base::Status& status);  // Answer now: OK, or the error.
  Later defer(bool hold_up);            // Answer later; with hold_up, requests behind wait for it.
  void close_after() { seat_.close = true; }  // Close the connection when the answer is sent.
  bool answered() const;                      // One whole answer has been written, or deferred.
  std::string_view written() const;           // The answer's bytes; empty if deferred.

 private:
  Seat& seat_;
  std::span<const std::string_view> words_;
  std::pmr::memory_resource& keep_;
  LawCache& laws_;
  std::string* refusal_;
  std::optional<protocol::Writer> writer_;
  std::string* to_ = nullptr;  // What writer_ appends to, from begin_ on.
  size_t begin_ = 0;
  bool deferred_ = false;
};

enum VerbFlags : uint8_t {
  kPlain = 0,
  kAdmin = 1,      // Needs the admin right, else NOPERM.
  kUnlimited = 2,  // Not charged to the `server` domain (SHUTDOWN, QUIT).
};

enum class Theme : uint8_t {
  kServer,
  kConnection,
  kLimits,
  kQueues
};  // A chapter of the reference.

struct Verb {
  std::string_view name;       // Upper case; a subcommand is read by the verb itself.
  std::string_view arguments;  // "domain descriptor… [COST n] [DRYRUN]"; for HELP and docs.
  std::string_view answers;    // What the answer is, for docs: "`PONG`, or the text".
  std::string_view help;       // One sentence.
  Theme theme;
  int words_min, words_max;  // With the verb; -1: no upper bound.
  uint8_t flags;
  // One of run, ask (with answer) and request; of two, `travels` tells which is meant.
  void (*run)(Call&);
  // A decision adds one ask to the batch, or answers an error and returns false; its answer is
  // written when the batch is decided.
  bool (*ask)(Call&, limiter::Batch&) = nullptr;
  void (*answer)(std::span<const std::string_view> words, const limiter::Answer&,
                 protocol::Writer&) = nullptr;
  // A request to the shards joins the draft of the connection's run, or answers an error and
  // returns false.
  bool (*request)(Call&, Draft&) = nullptr;
  bool (*travels)(std::span<const std::string_view> words) = nullptr;  // Null: always.
};

// Rows with a quick way to find one by its name. Thread: any (immutable).
class VerbTable {
 public:
  static constexpr size_t kNameBytesMax = 16;  // Of a verb's name.

  // REQUIRES: rows outlive the table; names are different, upper case and 1 to kNameBytesMax long.
  explicit VerbTable(std::span<const Verb> rows);
  std::span<const Verb> rows() const { return rows_; }
  const Verb* find(std::string_view name) const;  // Case-insensitive. Null: none.
  size_t index(const Verb& verb) const { return static_cast<size_t>(&verb - rows_.data()); }

 private:
  struct Slot {
    std::array<uint64_t, 2> name{};
    const Verb* verb = nullptr;
  };
  std::span<const Verb> rows_;
  std::vector<Slot> slots_;  // Open addressing; a power of two, at most a quarter full.
};

const VerbTable& verb_table();  // The verbs of this program.
std::span<const Verb> verbs();
const Verb* find_verb(std::string_view name);  // Case-insensitive. Null: none.

}  // namespace command

// The table of verbs: one row each, read by dispatch, HELP, COMMAND, the reference in docs/, metrics
// and the fuzzer's dictionary.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "command/services.h"
#include "protocol/protocol.h"

namespace command {

class Replies;
struct Client;  // What a connection has said of itself (HELLO, CLIENT SETNAME, …).

// A promise to answer: filled once, now or later; dropped unfilled it answers UNKNOWN.
class Later {
 public:
  void fill(const std::function<void(protocol::Writer&)>& write);
};

// One request being run. Its words are valid while the verb's function runs.
class Call {
 public:
  std::span<const std::string_view> words() const;  // The verb first.
  std::string_view word(size_t i) const;
  Services& services();
  const Caller& caller() const;
  Client& client();
  base::Time now() const;    // Read once for all the requests of one feed().
  protocol::Writer& answer();  // Answer now: exactly one value.
  Later defer(bool hold_up);   // Answer later; with hold_up, requests behind wait for it.
  void close_after();          // Close the connection when the answer is sent.
};

enum VerbFlags : uint8_t {
  kPlain = 0,
  kAdmin = 1,      // Needs the admin right, else NOPERM.
  kUnlimited = 2,  // Not charged to the `server` domain (SHUTDOWN, QUIT, …).
};

struct Verb {
  std::string_view name;       // Upper case; a subcommand is read by the verb itself.
  std::string_view arguments;  // "domain descriptor… [COST n] [DRYRUN]"; for HELP and docs.
  std::string_view help;       // One sentence.
  int words_min, words_max;    // With the verb; -1: no upper bound.
  uint8_t flags;
  void (*run)(Call&);          // Null for decisions:
  // A decision adds one ask to the batch, or answers an error and returns false; its answer is
  // written when the batch is decided.
  bool (*ask)(Call&, limiter::Batch&);
  void (*answer)(std::span<const std::string_view> words, const limiter::Answer&,
                 protocol::Writer&);
};

std::span<const Verb> verbs();
const Verb* find_verb(std::string_view name);  // Case-insensitive. Null: none.

}  // namespace command

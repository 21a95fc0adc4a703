// What the verbs of all connections count.
#pragma once
#include <array>
#include <memory>
#include <string_view>

#include "command/verb.h"
#include "metric/metric.h"

namespace command {

// Thread: any.
class Counters {
 public:
  explicit Counters(const VerbTable& table = verb_table());
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  const VerbTable& table() const { return table_; }
  void called(const Verb* verb, uint64_t times);  // Null: a verb that does not exist.
  // Counts the error, if `answer` (one whole answer of a TCP connection) is one.
  void answered(std::string_view answer);
  void fed(base::Duration took) { feed_.record(took.count()); }  // One feed() of one connection.

  uint64_t calls_total() const;
  void collect(metric::Families& families) const;

 private:
  static constexpr size_t kCodes = 11;  // counters.cc names them.

  const VerbTable& table_;
  std::unique_ptr<metric::Counter[]> calls_;  // By row; behind the last, verbs that do not exist.
  std::array<metric::Counter, kCodes> errors_;
  metric::Histogram feed_;
};

}  // namespace command

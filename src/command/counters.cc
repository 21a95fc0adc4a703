#include "command/counters.h"

#include <algorithm>

namespace command {
namespace {

// The first word of an error; the last stands for every other (NOPROTO).
constexpr std::array<std::string_view, 11> kCodeNames = {
    "ERR",  "LIMITED",  "NOAUTH",  "NOPERM",   "NOTFOUND", "STALE",
    "FULL", "READONLY", "UNKNOWN", "SHUTDOWN", "other"};

// The word that makes `answer` an error; empty if it is none. In the line protocol no other answer
// begins with such a word and a space: texts that do are quoted (protocol/writer.h).
std::string_view error_word(std::string_view answer) {
  const bool resp = answer.front() == '-';
  const std::string_view text = answer.substr(resp ? 1 : 0);
  const size_t end = text.find(' ');
  if (end == std::string_view::npos) return {};
  const std::string_view word = text.substr(0, end);
  const bool known = std::ranges::find(kCodeNames, word) != kCodeNames.end() || word == "NOPROTO";
  return resp || known ? word : std::string_view();
}

}  // namespace

Counters::Counters(const VerbTable& table)
    : table_(table), calls_(std::make_unique<metric::Counter[]>(table.rows().size() + 1)) {
  static_assert(kCodeNames.size() == kCodes);
}

void Counters::called(const Verb* verb, uint64_t times) {
  calls_[verb != nullptr ? table_.index(*verb) : table_.rows().size()].add(times);
}

void Counters::answered(std::string_view answer) {
  // Most answers are no errors and end here: `-` is RESP's, the other protocol's are words.
  if (answer.empty() || (answer.front() != '-' && (answer.front() < 'A' || answer.front() > 'Z')))
    return;
  const std::string_view word = error_word(answer);
  if (word.empty()) return;
  const auto* name = std::ranges::find(kCodeNames, word);
  if (name == kCodeNames.end()) --name;
  errors_[static_cast<size_t>(name - kCodeNames.begin())].add();
}

uint64_t Counters::calls_total() const {
  uint64_t sum = 0;
  for (size_t i = 0; i <= table_.rows().size(); ++i) sum += calls_[i].value();
  return sum;
}

void Counters::collect(metric::Families& families) const {
  const auto rows = table_.rows();
  for (size_t i = 0; i <= rows.size(); ++i) {
    const std::string_view verb = i < rows.size() ? rows[i].name : "unknown";
    families.counter("ratelimmq_command_calls_total", "Requests of the TCP port, by verb.",
                     {{"verb", std::string(verb)}}, calls_[i].value());
  }
  for (size_t i = 0; i < kCodes; ++i) {
    families.counter("ratelimmq_command_errors_total", "Answers of the TCP port that are errors.",
                     {{"code", std::string(kCodeNames[i])}}, errors_[i].value());
  }
  families.histogram("ratelimmq_command_duration_seconds",
                     "Time to run all requests that arrived together (a sample).", {}, feed_, 1e9);
}

}  // namespace command

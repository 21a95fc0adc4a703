// Histories in a test's own words.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "history/history.h"

namespace history {

inline Verdict verdict_of(const std::string& lines, int64_t clock_skew = 0) {
  Reader reader;
  reader.begin_file();
  const auto fed = reader.feed("history 1\n" + lines);
  EXPECT_FALSE(fed.has_error()) << "line " << reader.line() << ": " << fed.error().what;
  EXPECT_FALSE(reader.end_file().has_error());
  return check(reader.take(), {.clock_skew = clock_skew});
}

// The names of the laws that are violated, each once.
inline std::vector<std::string> violated(const std::string& lines, int64_t clock_skew = 0) {
  std::vector<std::string> laws;
  for (const auto& [law, count] : verdict_of(lines, clock_skew).findings.counts())
    laws.emplace_back(law);
  return laws;
}

// Clients' instants are milliseconds here, and the server's clock is kEpochMs ahead.
inline constexpr int64_t kEpochMs = 1'000'000;

inline std::string ms(int64_t t) { return std::to_string(t * kMillisecond); }

// " T0 T1": a quarter of a millisecond around t.
inline std::string around(int64_t t) {
  const int64_t at = t * kMillisecond;
  return " " + std::to_string(at - kMillisecond / 8) + " " + std::to_string(at + kMillisecond / 8);
}

inline std::string enqueue(int64_t t, const std::string& name, const std::string& more = "") {
  return "enqueue" + around(t) + " ok q " + name + " id=m" + name + " " + more;
}
inline std::string line(std::string text) {
  while (text.ends_with(' ')) text.pop_back();
  return text + "\n";
}

// Delivered at t, for `lease` ms, with the receipt NAME.ATTEMPT.
inline std::string deliver(int64_t t, const std::string& name, int64_t attempt = 1,
                           int64_t lease = 1000, const std::string& more = "") {
  return line("deliver" + around(t) + " q m" + name + " " + name + "." + std::to_string(attempt) +
              " " + name + " attempt=" + std::to_string(attempt) +
              " lease=" + std::to_string(lease) + " until=" + std::to_string(t + kEpochMs + lease) +
              " granted=" + std::to_string((t + kEpochMs) * kMillisecond) + " " + more);
}
inline std::string put(int64_t t, const std::string& name, const std::string& more = "") {
  return line(enqueue(t, name, more));
}
inline std::string ack(int64_t t, const std::string& receipt, const std::string& outcome = "ok") {
  return line("ack" + around(t) + " " + outcome + " " + receipt);
}

}  // namespace history

#include "cases.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <set>

namespace cases {

void Verdict::same(std::string_view what, int64_t expected, int64_t ours) {
  near(what, expected, ours, 0);
}

void Verdict::near(std::string_view what, int64_t expected, int64_t ours, int64_t tolerance) {
  if (std::abs(expected - ours) <= tolerance) return;
  wrong(std::string(what) + ": expected " + std::to_string(expected) + ", ours " +
        std::to_string(ours));
}

void Verdict::same_text(std::string_view what, std::string_view expected, std::string_view ours) {
  if (expected == ours) return;
  wrong(std::string(what) + ": expected '" + std::string(expected) + "', ours '" +
        std::string(ours) + "'");
}

void Verdict::differs(std::string reason) {
  for (const std::string& known : reasons)
    if (known == reason) return;
  reasons.push_back(std::move(reason));
}

void Verdict::wrong(std::string what) { wrongs.push_back(std::move(what)); }

const json::object& config_of(const json::object& the_case) {
  return the_case.at("config").as_object();
}

int64_t number(const json::object& object, std::string_view name, int64_t otherwise) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return otherwise;
  if (const bool* truth = value->if_bool()) return *truth ? 1 : 0;
  return value->is_double() ? std::llround(value->as_double()) : value->to_number<int64_t>();
}

bool has(const json::object& object, std::string_view name) { return object.contains(name); }

std::string text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

int64_t unit_ns(const json::object& the_case) {
  const std::string unit = text(the_case, "time_unit");
  if (unit == "ns") return 1;
  return unit == "ms" ? 1'000'000 : 1'000'000'000;
}

base::Time time_of(const json::object& the_case, const json::object& step) {
  const json::value* t = step.if_contains("t");
  if (t == nullptr) return base::time_from(kStart);
  const double in_units = t->to_number<double>();
  return base::time_from(kStart + std::llround(in_units * static_cast<double>(unit_ns(the_case))));
}

namespace {

std::vector<json::object> read_cases(const std::string& path) {
  std::vector<json::object> all;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) all.push_back(json::parse(line).as_object());
  return all;
}

}  // namespace

void play_file(const std::string& path, std::string_view column, const Players& players,
               const Unspoken& unspoken) {
  const std::vector<json::object> all = read_cases(path);
  ASSERT_FALSE(all.empty()) << path;

  int ran = 0, differ = 0, not_spoken = 0;
  for (const json::object& one : all) {
    const std::string id = text(one, "id");
    const std::string kind = text(one, column);
    if (const auto silent = unspoken.find(kind); silent != unspoken.end()) {
      ++not_spoken;
      std::cout << "not played  " << id << ": " << silent->second << "\n";
      continue;
    }
    const auto player = players.find(kind);
    if (player == players.end()) {
      ADD_FAILURE() << id << ": no player for " << column << " '" << kind << "'";
      continue;
    }
    Verdict verdict;
    player->second(one, verdict);
    ++ran;
    for (const std::string& wrong : verdict.wrongs) ADD_FAILURE() << id << ": " << wrong;
    if (!verdict.reasons.empty()) ++differ;
    for (const std::string& reason : verdict.reasons)
      std::cout << "differs     " << id << ": " << reason << "\n";
  }
  std::cout << "cases: " << ran << " ran (" << differ << " of them differ on purpose), "
            << not_spoken << " not played, of " << all.size() << "\n";
}

namespace {

TEST(Cases, OfLimitersAreAnsweredAsOthersAnswerThemOrDifferOnPurpose) {
  Players players;
  add_bucket_players(players);
  add_window_players(players);
  add_verb_players(players);
  add_envoy_players(players);
  const Unspoken unspoken = {
      {"bucket4j-aligned",
       "a bucket that refills in steps from a chosen instant is no law of ours"},
      {"doorman", "shares of a capacity among instances belong to limits over a store"},
      {"ietf-draft-10",
       "the fields are written by command/, which tests them; nothing parses them"},
  };
  const char* const other = std::getenv("RATELIMMQ_CASES");
  play_file(other != nullptr ? other : RATELIMMQ_SOURCE_DIR "/tests/cases/limiters.jsonl",
            "dialect", players, unspoken);
}

}  // namespace
}  // namespace cases

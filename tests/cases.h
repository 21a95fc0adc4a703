// The conformance cases (tests/cases/*.jsonl): facts about what other limiters answer, each played
// through our real laws and verbs with a told clock.
//
// A player plays the cases of one dialect. For each step it says that our answer agrees, that it
// differs and why that is on purpose, or that it is wrong. A case of a dialect without a player
// fails, unless its dialect is listed as one that no room speaks yet.
#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "queue/settings.h"

namespace cases {

namespace json = boost::json;

class Verdict {
 public:
  void same(std::string_view what, int64_t expected, int64_t ours);
  void near(std::string_view what, int64_t expected, int64_t ours, int64_t tolerance);
  void same_text(std::string_view what, std::string_view expected, std::string_view ours);
  void differs(std::string reason);  // On purpose.
  void wrong(std::string what);

  std::vector<std::string> wrongs;
  std::vector<std::string> reasons;  // Each once.
};

using Player = void (*)(const json::object& the_case, Verdict&);
using Players = std::map<std::string, Player, std::less<>>;  // By dialect or area.
// What nobody can ask of this version; each with the reason.
using Unspoken = std::map<std::string, std::string, std::less<>>;

// Plays a file: each case by the player of what its `column` names ("dialect", "area"). A wrong
// answer fails the test, and so does a case that is neither played nor unspoken; what differs on
// purpose is printed with its reason.
void play_file(const std::string& path, std::string_view column, const Players& players,
               const Unspoken& unspoken);

// Adds the players of one file to the table: dialect → player.
void add_bucket_players(Players& players);
void add_window_players(Players& players);
void add_verb_players(Players& players);
void add_envoy_players(Players& players);
// Of tests/cases/edge.jsonl: area → player. cases_edge.cc has the table.
void add_dispatch_players(Players& players);
void add_edge_http_players(Players& players);
void add_gateway_players(Players& players);

void play_standard_webhooks(const json::object& the_case, Verdict&);  // Of queues.jsonl.

// Delays of a queue's message after failures 1, 2, …, in seconds.
std::vector<double> delays(const queue::Backoff& backoff, size_t failures);

// Readers of the cases' JSON.
const json::object& config_of(const json::object& the_case);
int64_t number(const json::object& object, std::string_view name, int64_t otherwise = 0);
bool has(const json::object& object, std::string_view name);
std::string text(const json::object& object, std::string_view name);

// The instant `t` of a step, in the case's time unit, after an epoch that is a multiple of a day so
// that windows are aligned as in the case.
base::Time time_of(const json::object& the_case, const json::object& step);
inline constexpr int64_t kStart = 1'699'920'000'000'000'000;  // A Tuesday, 00:00 UTC.
int64_t unit_ns(const json::object& the_case);

}  // namespace cases

// The conformance cases of the edge (tests/cases/edge.jsonl): outgoing requests, and what a gateway
// is to know.
#include <gtest/gtest.h>

#include "cases.h"

namespace cases {
namespace {

constexpr const char* kGateway = "no room speaks it yet";

TEST(Cases, OfTheEdgeAreAnsweredAsOthersAnswerThemOrDifferOnPurpose) {
  Players players;
  const Unspoken unspoken = {
      {"http2", kGateway},    {"metrics", kGateway},  {"ext-auth", kGateway},
      {"proxy-v1", kGateway}, {"proxy-v2", kGateway}, {"response-cache", kGateway},
      {"robots", kGateway},
  };
  add_dispatch_players(players);
  add_edge_http_players(players);
  add_gateway_players(players);
  play_file(RATELIMMQ_SOURCE_DIR "/tests/cases/edge.jsonl", "area", players, unspoken);
}

}  // namespace
}  // namespace cases

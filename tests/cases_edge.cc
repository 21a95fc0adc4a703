// The conformance cases of the edge (tests/cases/edge.jsonl): outgoing requests, and what a gateway
// is to know.
#include <gtest/gtest.h>

#include "cases.h"

namespace cases {
namespace {

constexpr const char* kGateway = "the gateway's; no room speaks it yet";

TEST(Cases, OfTheEdgeAreAnsweredAsOthersAnswerThemOrDifferOnPurpose) {
  Players players;
  Unspoken unspoken = {
      {"http1", "how a gateway reads; our own port refuses in http/connection_test.cc"},
      {"http2", kGateway},
      {"metrics", kGateway},
      {"ext-auth", kGateway},
      {"client-ip", kGateway},
      {"forwarded", kGateway},
      {"limiter-key", kGateway},
      {"proxy-v1", kGateway},
      {"proxy-v2", kGateway},
      {"response-cache", kGateway},
      {"robots", kGateway},
  };
  add_dispatch_players(players);
#ifdef RATELIMMQ_RING
  add_edge_http_players(players);
#else
  for (const char* area : {"ssrf-address", "ssrf-url", "ssrf-dns-redirect", "dispatch-limits"}) {
    unspoken[area] = "http/ is a room of the ring, which this build leaves out";
  }
#endif
  play_file(RATELIMMQ_SOURCE_DIR "/tests/cases/edge.jsonl", "area", players, unspoken);
}

}  // namespace
}  // namespace cases

// The rows of the process itself.
#include <array>

#include "command/http_route.h"

namespace command {
namespace {

using Shape = BodyShape;

constexpr Shape kNoBody = {};

// Statuses of problems. 403: a foreign Host or a cross-site page. 429: the `server` domain. 413:
// the body's bound.
constexpr int kOfHealth[] = {403};
constexpr int kOfReady[] = {403, 503};
constexpr int kOfRead[] = {403, 429};

constexpr std::array<Route, 5> kRows = {{
    {"GET",
     "/v1/openapi.json",
     kOnBoth,
     kAnyone,
     kNoBody,
     http_openapi,
     "openapi",
     "This document.",
     {200, "OpenApi", "An OpenAPI 3.1 document."},
     kOfRead},
    {"GET",
     "/livez",
     kOnApi,
     kFree,
     kNoBody,
     http_live,
     "livez",
     "Does the process answer? Touches nothing else.",
     {200, "Health", "It does."},
     kOfHealth},
    {"GET",
     "/readyz",
     kOnApi,
     kFree,
     kNoBody,
     http_ready,
     "readyz",
     "May requests be sent here?",
     {200, "Health", "They may."},
     kOfReady},
    {"GET",
     "/metrics",
     kOnApi,
     kFree,
     kNoBody,
     http_metrics,
     "metrics",
     "Metrics in the Prometheus text format 0.0.4.",
     {200, "text", "The metrics."},
     kOfHealth},
    {"GET",
     "/version",
     kOnApi,
     kFree,
     kNoBody,
     http_version,
     "version",
     "What runs here.",
     {200, "Version", "Name, version and commit."},
     kOfHealth},
}};

}  // namespace

std::span<const Route> server_routes() { return kRows; }

}  // namespace command

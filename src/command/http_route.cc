#include "command/http_route.h"

#include <array>
#include <optional>

namespace command {
namespace {

using Shape = BodyShape;
using enum BodyShape::Kind;

constexpr Shape kNoBody = {};
constexpr Shape kCheckShape = {
    kRecord, kBodyDomain | kBodyDescriptors | kBodyCost | kBodyWaitMs | kBodyDryRun,
    kBodyDomain | kBodyDescriptors};
constexpr Shape kChecksShape = {kRecords, kCheckShape.fields, kCheckShape.required};
constexpr Shape kReserveShape = {kRecord, kBodyDomain | kBodyDescriptors | kBodyCost | kBodyTtlMs,
                                 kBodyDomain | kBodyDescriptors | kBodyCost | kBodyTtlMs};
constexpr Shape kAcquireShape = {kRecord, kReserveShape.fields,
                                 kBodyDomain | kBodyDescriptors | kBodyTtlMs};
constexpr Shape kCommitShape = {kRecordOrNothing, kBodyCost, kBodyNothing};
constexpr Shape kRenewShape = {kRecord, kBodyTtlMs, kBodyTtlMs};
constexpr Shape kWhyShape = {kRecord, kBodyDomain | kBodyDescriptors,
                             kBodyDomain | kBodyDescriptors};
constexpr Shape kForgetShape = {kRecord, kBodyDomain | kBodyDescriptor,
                                kBodyDomain | kBodyDescriptor};
constexpr Shape kBlockShape = {kRecord, kForgetShape.fields | kBodyMs,
                               kForgetShape.fields | kBodyMs};

// 403: a foreign Host or a cross-site page. 429: the `server` domain. 413: the body's bound.
constexpr int kOfHealth[] = {403};
constexpr int kOfReady[] = {403, 503};
constexpr int kOfRead[] = {403, 429};
constexpr int kOfReadNamed[] = {400, 403, 404, 429};
constexpr int kOfCheck[] = {400, 403, 404, 413, 415, 422, 429, 503};
constexpr int kOfChecks[] = {400, 403, 413, 415, 422, 429, 503};
constexpr int kOfOpen[] = {400, 403, 404, 413, 415, 422, 429, 503, 507};
constexpr int kOfBody[] = {400, 403, 404, 413, 415, 422, 429};
constexpr int kOfAdmin[] = {400, 403, 404, 413, 415, 422, 429, 503};

constexpr std::array<Route, 18> kRoutes = {{
    {"POST",
     "/v1/check",
     kOnBoth,
     kNewWork,
     kCheckShape,
     http_check,
     "check",
     "Decides whether a request may go now: all limits that it meets are charged, or none.",
     {200, "Decision", "It may go."},
     kOfCheck,
     "Decision"},
    {"POST",
     "/v1/checks",
     kOnBoth,
     kNewWork,
     kChecksShape,
     http_checks,
     "checks",
     "Decides several requests, each on its own, in order.",
     {200, "Decisions", "One answer for each, in the same order."},
     kOfChecks},
    {"POST",
     "/v1/reservations",
     kOnBoth,
     kNewWork,
     kReserveShape,
     http_reserve,
     "reserve",
     "Charges an estimated cost now; the true cost is told later by a commit. A reservation "
     "commits "
     "by itself at the end of its time.",
     {201, "Opened", "The cost is charged."},
     kOfOpen},
    {"POST",
     "/v1/reservations/{id}/commit",
     kOnBoth,
     kAnyone,
     kCommitShape,
     http_commit,
     "commit",
     "Charges the true cost of a reservation; without a cost, the reserved one.",
     {200, "Charged", "The reservation is over."},
     kOfBody},
    {"DELETE",
     "/v1/reservations/{id}",
     kOnBoth,
     kAnyone,
     kNoBody,
     http_cancel,
     "cancel",
     "Gives back what a reservation took and has not leaked back meanwhile.",
     {204, "", "The reservation is over."},
     kOfReadNamed},
    {"POST",
     "/v1/holds",
     kOnBoth,
     kNewWork,
     kAcquireShape,
     http_acquire,
     "acquire",
     "Charges rates and takes a place of each concurrency limit, all or none.",
     {201, "Opened", "The places are held."},
     kOfOpen},
    {"PUT",
     "/v1/holds/{id}",
     kOnBoth,
     kAnyone,
     kRenewShape,
     http_renew,
     "renew",
     "Lets a hold live for this long from now.",
     {204, "", "It lives on."},
     kOfBody},
    {"DELETE",
     "/v1/holds/{id}",
     kOnBoth,
     kAnyone,
     kNoBody,
     http_release,
     "release",
     "Gives the places of a hold back.",
     {204, "", "The hold is over."},
     kOfReadNamed},
    {"GET",
     "/v1/limits",
     kOnBoth,
     kAnyone,
     kNoBody,
     http_limits,
     "limits",
     "All limits, in the order of the file.",
     {200, "Limits", "The limits."},
     kOfRead},
    {"GET",
     "/v1/limits/{domain}",
     kOnBoth,
     kAnyone,
     kNoBody,
     http_domain_limits,
     "limitsOfDomain",
     "The limits of one domain.",
     {200, "Limits", "The limits."},
     kOfReadNamed},
    {"POST",
     "/v1/why",
     kOnBoth,
     kAnyone,
     kWhyShape,
     http_why,
     "why",
     "Why would a request wait, and until when: each limit that it meets, charging nothing.",
     {200, "WhyRows", "A row for each limit."},
     kOfBody},
    {"POST",
     "/v1/block",
     kOnBoth,
     kNewWork | kNeedsAdmin,
     kBlockShape,
     http_block,
     "block",
     "Refuses a descriptor until an instant, whether or not a limit matches it.",
     {204, "", "It is refused."},
     kOfAdmin},
    {"POST",
     "/v1/forget",
     kOnBoth,
     kNewWork | kNeedsAdmin,
     kForgetShape,
     http_forget,
     "forget",
     "Removes what was used of the limits of a descriptor.",
     {204, "", "It is forgotten."},
     kOfAdmin},
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

// The segment in the place of the template's {…}; empty text if it has none; nothing: no match.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  const size_t open = pattern.find('{');
  if (open == std::string_view::npos) {
    return pattern == path ? std::optional(std::string_view{}) : std::nullopt;
  }
  const std::string_view behind = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= open + behind.size() || !path.starts_with(pattern.substr(0, open)) ||
      !path.ends_with(behind)) {
    return std::nullopt;
  }
  const std::string_view segment = path.substr(open, path.size() - open - behind.size());
  if (segment.find('/') != std::string_view::npos) return std::nullopt;
  return segment;
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

RouteFound find_route(Listener listener, std::string_view method, std::string_view path) {
  const uint8_t here = listener == Listener::kApi ? kOnApi : kOnLimiter;
  if (method == "HEAD") method = "GET";
  RouteFound found;
  for (const Route& route : kRoutes) {
    if ((route.listeners & here) == 0) continue;
    const std::optional<std::string_view> parameter = match(route.path, path);
    if (!parameter) continue;
    if (route.method == method) return {.route = &route, .parameter = *parameter, .allow = {}};
    found.allow.append(found.allow.empty() ? "" : ", ").append(route.method);
    if (route.method == "GET") found.allow.append(", HEAD");
  }
  return found;
}

}  // namespace command

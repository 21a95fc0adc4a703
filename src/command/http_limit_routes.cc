// The rows of the limits: checks, reservations, holds.
#include <array>

#include "command/http_route.h"

namespace command {
namespace {

using Shape = BodyShape;
using enum BodyShape::Kind;

constexpr Shape kNoBody = {};
constexpr Shape kCheckShape = {
    kRecord, kBodyDomain | kBodyDescriptors | kBodyCost | kBodyWaitMs | kBodyDryRun,
    kBodyDomain | kBodyDescriptors};
constexpr Shape kChecksShape = {
    kRecords, kBodyDomain | kBodyDescriptors | kBodyCost | kBodyNoWaitMs | kBodyDryRun,
    kCheckShape.required};
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

// Statuses of problems. 403: a foreign Host or a cross-site page. 429: the `server` domain. 413:
// the body's bound.
constexpr int kOfRead[] = {403, 429};
constexpr int kOfReadNamed[] = {400, 403, 404, 429};
constexpr int kOfCheck[] = {400, 403, 404, 413, 415, 422, 429, 503};
constexpr int kOfChecks[] = {400, 403, 413, 415, 422, 429, 503};
constexpr int kOfOpen[] = {400, 403, 404, 413, 415, 422, 429, 503, 507};
constexpr int kOfBody[] = {400, 403, 404, 413, 415, 422, 429};
constexpr int kOfAdmin[] = {400, 403, 404, 413, 415, 422, 429, 503};

constexpr std::array<Route, 13> kRows = {{
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
     "Decision",
     http_check_wait,
     check_waits},
    {"POST",
     "/v1/checks",
     kOnBoth,
     kNewWork,
     kChecksShape,
     http_checks,
     "checks",
     "Decides several requests, each on its own, in order.",
     {200, "Decisions", "One answer for each, in the same order."},
     kOfChecks,
     {},
     nullptr,
     nullptr,
     kQueryBrief},
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
}};

}  // namespace

std::span<const Route> limit_routes() { return kRows; }

}  // namespace command

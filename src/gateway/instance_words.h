// What the gateway says to a limiter instance, and what the instance's answers mean.
//
// Thread: any.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/decision.h"
#include "limiter/limiter.h"

namespace gateway {

// Appends {"domain":"api","descriptors":[[["tenant","acme"]]],"cost":1}
void append_check(const limiter::Ask& ask, std::string& out);

// What rendezvous hashes: the same for the same domain and descriptors, wherever it is asked.
std::string key_of(const limiter::Ask& ask);

// The answer of POST /v1/checks, one decision for each check in order; nothing in place of one: the
// instance has failed to decide it. Nothing at all: it is no list of so many records.
using Decisions = std::vector<std::optional<Decision>>;
std::optional<Decisions> read_checks(std::string_view body, size_t checks);

// Decision::Outcome::kNobody, and why.
Decision nobody(Reason reason);

}  // namespace gateway

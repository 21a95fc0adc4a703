// Decisions and limits to records, the same for every protocol (commands.md, http.md).
#pragma once
#include <span>
#include <string>

#include "limiter/limiter.h"
#include "protocol/writer.h"

namespace command {

// 0 when allowed, -1 never, else rounded up.
int64_t retry_after_ms(const limit::Decision& decision);
int64_t reset_after_ms(const limit::Decision& decision);

// allowed, limited_by, limit, remaining, retry_after_ms, reset_after_ms, decided_by:
// kDecisionFields fields of a record that the caller has opened. REQUIRES: answer.known_domain.
inline constexpr size_t kDecisionFields = 7;
void write_decision(const limiter::Answer& answer, protocol::Writer& writer);

// "by tenant retry_after_ms=120": the text of a LIMITED.
std::string limited_text(std::string_view limited_by, const limit::Decision& numbers);

// One whole record each: a row of WHY, a row of LIMITS.
void write_why_row(const limiter::WhyRow& row, protocol::Writer& writer);
void write_limit(const limiter::Limit& limit, protocol::Writer& writer);

// "there is no domain 'x'": the text of a NOTFOUND.
base::Error unknown_domain(std::string_view domain);

}  // namespace command

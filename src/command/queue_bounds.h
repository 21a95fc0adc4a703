// The bounds of what queue verbs and their HTTP twins take (docs/queues.md), and the checks that
// both make.
#pragma once
#include <span>
#include <string_view>

#include "base/result.h"
#include "command/words.h"
#include "engine/request.h"
#include "queue/settings.h"

namespace command {

constexpr int64_t whole_ms(base::Duration span) { return span.count() / 1'000'000; }

inline constexpr size_t kBodyBytesMax = size_t{1} << 20;
inline constexpr size_t kQueuesOfDequeueMax = 64;
inline constexpr size_t kReceiptsMax = 1000;
inline constexpr size_t kMessagesMax = 1000;  // Of one HTTP request.
inline constexpr Between kCountBounds = {1, 1000};
inline constexpr Between kRowsBounds = {1, 10'000};  // Of QUEUES.
inline constexpr Between kWaitMsBounds = {0, 5 * 60'000};
inline constexpr Between kLeaseMsBounds = {whole_ms(queue::kLeaseMin), whole_ms(queue::kLeaseMax)};
inline constexpr Between kDelayMsBounds = {0, whole_ms(queue::kDelayMax)};
inline constexpr Between kMessageTtlMsBounds = {1, whole_ms(queue::kDelayMax)};
inline constexpr Between kAttemptsBounds = {1, queue::kAttemptsMax};
inline constexpr Between kPriorityBounds = {0, UINT32_MAX};
inline constexpr Between kCostBounds = {0, INT64_MAX};
inline constexpr uint32_t kDeadRowsDefault = 10, kQueueRowsDefault = 1000;

// 1 to kNameBytesMax bytes of UTF-8 without control bytes.
base::Status check_queue_name(std::string_view name);

// "FIELD has N bytes; at most M".
base::Status check_bytes(std::string_view field, std::string_view text, size_t bytes_max);

// Number, sizes and names; a name given twice is an error. Field: "HEADER" or "headers".
base::Status check_headers(std::string_view field, std::span<const engine::Header> headers);

}  // namespace command

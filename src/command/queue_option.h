// The table of what a queue may be told: one row an option, read by QUEUE SET, PUT /v1/queues/{q},
// the OpenAPI document and docs/queues.md. Names are those of the configuration file, with dots for
// its levels: backoff.base, dead_letter.keep, weights.KEY.
//
// Values are words: spans are milliseconds or "30s" (ms, s, m, h, d), sizes take KiB, MiB, GiB.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/writer.h"
#include "queue/settings.h"

namespace command {

inline constexpr size_t kWeightsMax = 1000;  // Keys with a weight of their own, of one queue.
inline constexpr size_t kTemplatesMax = 32;  // Of decide.descriptors.
inline constexpr size_t kDomainBytesMax = 200;
inline constexpr size_t kVariableBytesMax = 128;  // Of an environment variable's name.
inline constexpr std::array<std::string_view, 5> kPushMethods = {"POST", "PUT", "PATCH", "GET",
                                                                 "DELETE"};

struct QueueOption {
  std::string_view name;  // "weights." is the prefix of all that begin so.
  enum class Type : uint8_t {
    kSpan,
    kInteger,
    kDecimal,
    kTruth,
    kChoice,
    kText,
    kTexts,
    kSize
  } type;
  int64_t min, max;  // Milliseconds, a number, millionths of a decimal, bytes; of a text, bytes.
  std::string_view bounds;  // For people: "1 ms … 12 h"; of a choice, the words: "fsync, os".
  std::string_view help;
  base::Status (*read)(std::string_view name, std::string_view value, queue::Settings& into);
  std::string (*spell)(const queue::Settings& from);  // As read() takes it. Null: weights.
  std::string_view pattern = {};  // Of a text, for the OpenAPI document: some of what it may be.
};

std::span<const QueueOption> queue_options();

// Null: no such option. "weights.KEY" finds the row "weights.".
const QueueOption* find_queue_option(std::string_view name);

// Error: kInvalid that names the option and its bounds.
base::Status set_queue_option(std::string_view name, std::string_view value, queue::Settings& into);

// The settings as PUT takes them: one record, with a record in it for each level.
void write_settings(const queue::Settings& settings, protocol::Writer& writer);

// The table of docs/queues.md.
std::string queue_options_markdown();

}  // namespace command

// Bodies of requests: which fields there are, their bounds, and the strict reading of them.
//
// One table of fields, read by the decoder and by the OpenAPI document. A field that is unknown,
// missing, given twice, of another type or out of its bounds is an error that names it.
#pragma once
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "command/http_json.h"
#include "command/queue_change.h"
#include "command/queue_option.h"
#include "command/words.h"
#include "engine/request.h"
#include "limiter/limiter.h"

namespace command {

enum FieldSet : uint32_t {
  kBodyNothing = 0,
  kBodyDomain = 1,
  kBodyDescriptors = 2,  // A list of descriptors, decided together.
  kBodyDescriptor = 4,   // One.
  kBodyCost = 8,
  kBodyTtlMs = 16,
  kBodyWaitMs = 32,
  kBodyDryRun = 64,
  kBodyMs = 128,
  kBodyNoWaitMs = 1 << 8,  // wait_ms where nothing may wait.
  kBodyText = 1 << 9,      // A message's body …
  kBodyBase64 = 1 << 10,   // … or so.
  kBodyKey = 1 << 11,
  kBodyPriority = 1 << 12,
  kBodyDelayMs = 1 << 13,
  kBodyMessageTtlMs = 1 << 14,
  kBodyAttempts = 1 << 15,
  kBodyDedup = 1 << 16,
  kBodyHeaders = 1 << 17,
  kBodyMessages = 1 << 18,
  kBodyQueues = 1 << 19,
  kBodyCount = 1 << 20,
  kBodyHowMany = 1 << 21,
  kBodyLeaseMs = 1 << 22,
  kBodyReceipts = 1 << 23,
  kBodyReason = 1 << 24,
  kBodyDead = 1 << 25,
  kBodyRate = 1 << 26,
  kBodyDirection = 1 << 27,
};
constexpr FieldSet operator|(FieldSet a, FieldSet b) {
  return static_cast<FieldSet>(static_cast<uint32_t>(a) | static_cast<uint32_t>(b));
}

struct BodyField {
  FieldSet bit;
  std::string_view name;
  enum class Type : uint8_t {
    kText,
    kBase64,
    kInteger,
    kTruth,
    kDescriptor,
    kDescriptors,
    kTexts,
    kHeaders,
    kMessages
  } type;
  int64_t min, max;  // Of an integer; of a list, its members; of a text, its bytes (max 0: any).
  std::string_view text;  // One sentence for the reference.
};
std::span<const BodyField> body_fields();

inline constexpr size_t kChecksMax = 1000;  // Decisions of one POST /v1/checks.

// What a route takes.
struct BodyShape {
  enum class Kind : uint8_t {
    kNone,
    kRecord,
    kRecordOrNothing,
    kRecords,
    kMessages,  // A message, or a record with a list of them.
    kSettings,  // The options of a queue (queue_option.h).
  } kind = Kind::kNone;
  FieldSet fields = kBodyNothing;    // That may be there.
  FieldSet required = kBodyNothing;  // That must.
};

// One decoded record; a field that was not there has its default. A lone `descriptor` is
// ask.descriptors[0].
struct Body {
  limiter::Ask ask;
  FieldSet given = kBodyNothing;
  int64_t ttl_ms = 0;
  int64_t ms = 0;
  engine::Message message;                  // Its body is that of body_base64, too.
  std::span<const std::string_view> texts;  // queues or receipts.
  int64_t count = 0, wait_ms = 0, lease_ms = 0;
  std::string_view reason, rate, direction;
  bool dead = false;
  bool has(FieldSet field) const { return (given & field) != 0; }
};

// Thread: one owner at a time.
class Bodies {
 public:
  // The two steps, since they fail with different statuses: syntax, then fields (error.field names
  // the one at fault). The text must outlive the bodies.
  base::Status parse(std::string_view text) { return json_.parse(text); }
  base::Status decode(const BodyShape& shape);

  std::span<const Body> all() const { return bodies_; }  // Of kMessages: each a message.
  const QueueChange& change() const { return change_; }  // Of kSettings.
  void clear();

 private:
  base::Status read_record(size_t at, const BodyShape& shape);
  base::Status read_field(size_t at, const BodyField& field, Body& body);
  base::Result<int64_t> read_integer(size_t at, const BodyField& field) const;
  base::Status read_descriptors(size_t at, Body& body);
  base::Status read_descriptor(size_t at);
  base::Status read_pair(size_t at);
  base::Status read_entry_record(size_t at);
  base::Result<std::string_view> read_text(size_t at) const;
  base::Status read_number(size_t at, const BodyField& field, Body& body) const;
  base::Status read_truth(size_t at, const BodyField& field, Body& body) const;
  base::Status read_word(size_t at, const BodyField& field, Body& body);
  base::Status read_base64(size_t at, const BodyField& field, Body& body);
  base::Status read_texts(size_t at, const BodyField& field, Body& body);
  base::Status read_headers(size_t at, Body& body);
  base::Status read_messages(const BodyShape& shape);
  base::Status read_message(size_t at, const BodyShape& shape);
  base::Status read_settings(size_t at, std::string_view level);
  base::Status read_option(size_t at, std::string_view name);
  base::Result<std::string> option_word(size_t at, const QueueOption& option) const;
  base::Result<std::string> plain_decimal(size_t at) const;
  base::Result<std::string> template_words(size_t at) const;
  base::Error fault(size_t at, std::string what) const;

  JsonText json_;
  std::vector<Body> bodies_;
  std::vector<limiter::Descriptor> descriptors_;  // Both reserved before the first view into them.
  std::vector<limiter::Entry> entries_;
  std::vector<std::string_view> texts_;  // The same,
  std::vector<engine::Header> headers_;  // and this.
  std::deque<std::string> decoded_;      // From base64.
  QueueChange change_;
};

}  // namespace command

// Bodies of requests: which fields there are, their bounds, and the strict reading of them.
//
// One table of fields, read by the decoder and by the OpenAPI document. A field that is unknown,
// missing, given twice, of another type or out of its bounds is an error that names it.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "command/http_json.h"
#include "command/words.h"
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
};
constexpr FieldSet operator|(FieldSet a, FieldSet b) {
  return static_cast<FieldSet>(static_cast<uint32_t>(a) | static_cast<uint32_t>(b));
}

struct BodyField {
  FieldSet bit;
  std::string_view name;
  enum class Type : uint8_t { kText, kInteger, kTruth, kDescriptor, kDescriptors } type;
  int64_t min, max;       // Of an integer.
  std::string_view text;  // One sentence for the reference.
};
std::span<const BodyField> body_fields();

inline constexpr size_t kChecksMax = 1000;  // Decisions of one POST /v1/checks.

// What a route takes.
struct BodyShape {
  enum class Kind : uint8_t { kNone, kRecord, kRecordOrNothing, kRecords } kind = Kind::kNone;
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
  bool has(FieldSet field) const { return (given & field) != 0; }
};

// Thread: one owner at a time.
class Bodies {
 public:
  // The two steps, since they fail with different statuses: syntax, then fields (error.field names
  // the one at fault). The text must outlive the bodies.
  base::Status parse(std::string_view text) { return json_.parse(text); }
  base::Status decode(const BodyShape& shape);

  std::span<const Body> all() const { return bodies_; }
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
  base::Error fault(size_t at, std::string what) const;

  JsonText json_;
  std::vector<Body> bodies_;
  std::vector<limiter::Descriptor> descriptors_;  // Both reserved before the first view into them.
  std::vector<limiter::Entry> entries_;
};

}  // namespace command

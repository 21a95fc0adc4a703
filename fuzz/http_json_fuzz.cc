// Any bytes as the body of POST /v1/check and /v1/checks: never more asks than the bounds allow,
// and every error has its text; a body that is good is read the same again with all its memory
// reused.
#include <cstdint>

#include "base/check.h"
#include "command/http_body.h"

namespace {

using command::BodyShape;

constexpr command::FieldSet kFields = command::kBodyDomain | command::kBodyDescriptors |
                                      command::kBodyCost | command::kBodyWaitMs |
                                      command::kBodyDryRun;

size_t entries_of(const limiter::Ask& ask) {
  CHECK(ask.descriptors.size() <= limiter::kDescriptorsMax && ask.cost >= 0);
  size_t entries = 0;
  for (const limiter::Descriptor descriptor : ask.descriptors) {
    CHECK(!descriptor.empty() && descriptor.size() <= limiter::kEntriesMax);
    for (const limiter::Entry& entry : descriptor) CHECK(!entry.key.empty());
    entries += descriptor.size();
  }
  return entries;
}

size_t read(command::Bodies& bodies, std::string_view text, BodyShape::Kind kind) {
  size_t entries = 0;
  base::Status status = bodies.parse(text);
  if (status) {
    status = bodies.decode({kind, kFields, command::kBodyDomain | command::kBodyDescriptors});
    CHECK(bodies.all().size() <= command::kChecksMax);
    for (const command::Body& body : bodies.all()) entries += entries_of(body.ask);
  }
  CHECK(status.has_value() || !status.error().what.empty());
  bodies.clear();
  return entries;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static command::Bodies bodies;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  for (const auto kind : {BodyShape::Kind::kRecord, BodyShape::Kind::kRecords}) {
    const size_t entries = read(bodies, text, kind);
    command::Bodies fresh;
    CHECK(read(fresh, text, kind) == entries);
  }
  return 0;
}

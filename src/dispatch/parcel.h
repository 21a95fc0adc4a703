// A message of a push queue as the HTTP request that it becomes.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "dispatch/sign.h"
#include "engine/record.h"
#include "queue/settings.h"

namespace dispatch {

// Fields of a pushed message:
//   webhook-id, webhook-timestamp, webhook-signature (signed queues); ratelimmq-message-id,
//   ratelimmq-attempt, ratelimmq-queue; content-type: the message's header of that name, else
//   application/octet-stream; and the message's other headers, but for `url`, the names above,
//   Host, Content-Length and all that are hop-by-hop.
struct Parcel {
  std::string url;
  std::string method;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string_view body;  // Into the record.
};

struct ParcelTerms {
  std::string_view queue;
  std::string_view id;  // The message's, as clients see it: the same over all attempts.
  uint16_t attempt = 1;
  int64_t unix_seconds = 0;
  const Signer* signer = nullptr;  // Null: unsigned.
};

// kInvalid ("url"): the template's URL is empty for this message, or a field cannot be sent.
base::Result<Parcel> wrap(const engine::Stored& message, const queue::Push& push,
                          const ParcelTerms& terms);

}  // namespace dispatch

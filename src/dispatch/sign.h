// Standard Webhooks signatures (standardwebhooks.com): HMAC-SHA256 (`whsec_`, "v1,") and ed25519
// (`whsk_`, "v1a,") over `id "." timestamp "." body`.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace dispatch {

// A secret, or several while one is being replaced (separated by spaces): each signs. Its text
// appears in no error, no log and no answer.
class Signer {
 public:
  // "whsec_" + base64 of 24 to 64 bytes, or "whsk_" + base64 of an ed25519 key (32-byte seed, or
  // seed and public key). kInvalid ("secret") says what is wrong without showing it.
  static base::Result<Signer> make(std::string_view secrets);
  // The value of `webhook-signature`: one signature a secret, separated by spaces.
  // REQUIRES: `id` has no '.'.
  std::string sign(std::string_view id, int64_t unix_seconds, std::string_view body) const;

 private:
  struct Key {
    bool ed25519 = false;
    std::string bytes;
  };
  std::vector<Key> keys_;
};

// As a receiver verifies (for tests, examples and our own endpoints): one signature of the list
// must match, and the timestamp be within five minutes. Constant time. `secret`: "whsec_…" or
// "whpk_…".
base::Status verify(std::string_view secret, std::string_view id, std::string_view timestamp,
                    std::string_view signatures, std::string_view body, base::Time wall);

}  // namespace dispatch

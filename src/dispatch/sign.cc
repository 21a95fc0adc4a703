#include "dispatch/sign.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "base/base64.h"
#include "base/check.h"
#include "base/number.h"

namespace dispatch {
namespace {

constexpr std::string_view kHmacSecret = "whsec_", kPrivateKey = "whsk_", kPublicKey = "whpk_";
constexpr std::string_view kHmacVersion = "v1,", kEd25519Version = "v1a,";
constexpr size_t kHmacBytesMin = 24, kHmacBytesMax = 64;
constexpr size_t kEd25519Bytes = 32, kEd25519SignatureBytes = 64;
constexpr int64_t kClockSecondsMax = 300;

using KeyPointer = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Digest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// HMAC-SHA256, or ed25519 if `md` is null.
std::string signature(EVP_PKEY* key, const EVP_MD* md, std::string_view message) {
  const Digest digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::array<unsigned char, kEd25519SignatureBytes> out;
  size_t size = out.size();
  CHECK(digest != nullptr && EVP_DigestSignInit(digest.get(), nullptr, md, nullptr, key) == 1);
  CHECK(EVP_DigestSign(digest.get(), out.data(), &size, bytes_of(message), message.size()) == 1);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string hmac(std::string_view secret, std::string_view message) {
  const KeyPointer key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, nullptr, bytes_of(secret), secret.size()),
      EVP_PKEY_free);
  CHECK(key != nullptr);
  return signature(key.get(), EVP_sha256(), message);
}

KeyPointer ed25519_private(std::string_view seed) {
  KeyPointer key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(seed), kEd25519Bytes),
      EVP_PKEY_free);
  CHECK(key != nullptr);
  return key;
}

std::string public_part(std::string_view seed) {
  const KeyPointer key = ed25519_private(seed);
  std::string out(kEd25519Bytes, '\0');
  size_t size = out.size();
  CHECK(EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(out.data()),
                                    &size) == 1);
  return out;
}

bool ed25519_verifies(std::string_view public_key, std::string_view signature,
                      std::string_view message) {
  const KeyPointer key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(public_key),
                                                   public_key.size()),
                       EVP_PKEY_free);
  const Digest digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return key != nullptr && digest != nullptr &&
         EVP_DigestVerifyInit(digest.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(digest.get(), bytes_of(signature), signature.size(), bytes_of(message),
                          message.size()) == 1;
}

std::string signed_text(std::string_view id, std::string_view timestamp, std::string_view body) {
  std::string text;
  text.reserve(id.size() + timestamp.size() + body.size() + 2);
  return text.append(id).append(".").append(timestamp).append(".").append(body);
}

base::Error bad_secret(std::string what) { return base::invalid(std::move(what), "secret"); }

base::Result<std::string> hmac_key(std::string_view base64) {
  auto key = base::from_base64(base64);
  if (!key) return bad_secret("the secret behind 'whsec_' is no base64");
  if (key->size() < kHmacBytesMin || key->size() > kHmacBytesMax)
    return bad_secret("the secret behind 'whsec_' must have between 24 and 64 bytes, it has " +
                      std::to_string(key->size()));
  return *key;  // A copy: GCC 12 sees a move out of bounds that is none.
}

// The seed.
base::Result<std::string> ed25519_key(std::string_view base64) {
  auto key = base::from_base64(base64);
  if (!key) return bad_secret("the key behind 'whsk_' is no base64");
  if (key->size() != kEd25519Bytes && key->size() != 2 * kEd25519Bytes)
    return bad_secret("the key behind 'whsk_' must have 32 or 64 bytes, it has " +
                      std::to_string(key->size()));
  const std::string seed = key->substr(0, kEd25519Bytes);
  if (key->size() > kEd25519Bytes && key->substr(kEd25519Bytes) != public_part(seed))
    return bad_secret("the two halves of the key behind 'whsk_' do not belong together");
  return seed;
}

std::string_view next_word(std::string_view& words) {
  const size_t end = std::min(words.find(' '), words.size());
  const std::string_view word = words.substr(0, end);
  words.remove_prefix(std::min(end + 1, words.size()));
  return word;
}

// What a secret verifies signatures of: a version and a key.
struct Verifier {
  std::string_view version;
  std::string key;

  bool verifies(std::string_view signature, std::string_view message) const {
    if (version == kEd25519Version) return ed25519_verifies(key, signature, message);
    const std::string ours = hmac(key, message);
    return ours.size() == signature.size() &&
           CRYPTO_memcmp(ours.data(), signature.data(), ours.size()) == 0;
  }
};

base::Result<Verifier> verifier(std::string_view secret) {
  if (secret.starts_with(kHmacSecret)) {
    auto key = hmac_key(secret.substr(kHmacSecret.size()));
    if (!key) return key.error();
    return Verifier{kHmacVersion, *key};
  }
  if (!secret.starts_with(kPublicKey))
    return bad_secret("a secret to verify with begins with 'whsec_' or 'whpk_'");
  auto key = base::from_base64(secret.substr(kPublicKey.size()));
  if (!key || key->size() != kEd25519Bytes)
    return bad_secret("the key behind 'whpk_' must be base64 of 32 bytes");
  return Verifier{kEd25519Version, *key};
}

}  // namespace

base::Result<Signer> Signer::make(std::string_view secrets) {
  Signer signer;
  while (!secrets.empty()) {
    const std::string_view word = next_word(secrets);
    if (word.empty()) continue;
    const bool ed25519 = word.starts_with(kPrivateKey);
    if (!ed25519 && !word.starts_with(kHmacSecret))
      return bad_secret("a secret to sign with begins with 'whsec_' or 'whsk_'");
    auto key = ed25519 ? ed25519_key(word.substr(kPrivateKey.size()))
                       : hmac_key(word.substr(kHmacSecret.size()));
    if (!key) return key.error();
    signer.keys_.push_back({ed25519, std::move(*key)});
  }
  if (signer.keys_.empty()) return bad_secret("there is no secret");
  return signer;
}

std::string Signer::sign(std::string_view id, int64_t unix_seconds, std::string_view body) const {
  CHECK(id.find('.') == std::string_view::npos);
  const std::string text = signed_text(id, std::to_string(unix_seconds), body);
  std::string out;
  for (const Key& key : keys_) {
    if (!out.empty()) out += ' ';
    out += key.ed25519 ? kEd25519Version : kHmacVersion;
    base::append_base64(out, key.ed25519
                                 ? signature(ed25519_private(key.bytes).get(), nullptr, text)
                                 : hmac(key.bytes, text));
  }
  return out;
}

base::Status verify(std::string_view secret, std::string_view id, std::string_view timestamp,
                    std::string_view signatures, std::string_view body, base::Time wall) {
  const auto key = verifier(secret);
  if (!key) return key.error();
  if (id.empty() || id.find('.') != std::string_view::npos)
    return base::invalid("webhook-id is missing or has a '.'", "webhook-id");
  const auto sent = base::parse_integer(timestamp);
  if (!sent) return base::invalid("webhook-timestamp is missing or no number", "webhook-timestamp");
  const int64_t now = base::nanoseconds(wall) / 1'000'000'000;
  if (*sent > now + kClockSecondsMax || *sent < now - kClockSecondsMax)
    return base::invalid("webhook-timestamp is over five minutes away", "webhook-timestamp");

  const std::string text = signed_text(id, timestamp, body);
  while (!signatures.empty()) {
    const std::string_view word = next_word(signatures);
    if (!word.starts_with(key->version)) continue;
    const auto theirs = base::from_base64(word.substr(key->version.size()));
    if (theirs && key->verifies(*theirs, text)) return {};
  }
  return base::invalid("no signature of webhook-signature is right", "webhook-signature");
}

}  // namespace dispatch

#include "store/keys.h"

#include <openssl/sha.h>

#include <algorithm>
#include <cstring>

namespace store {
namespace {

constexpr size_t kTextMax = 48;  // A longer one is hashed.
constexpr size_t kTagMax = 14;   // With it an id has at most 48 bytes.
constexpr size_t kMadeBytes = 33;

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// 60 bits of a hash that every instance computes alike: two that meet share a slot, no state.
std::string short_hash(std::string_view text) {
  static constexpr char kLetters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  uint64_t bits = base::hash128(text, 0).low;
  std::string out = "~";  // No plain domain begins with it.
  for (int i = 0; i < 10; ++i, bits >>= 6) out += kLetters[bits & 63];
  return out;
}

void append_text(std::string& out, std::string_view text) {
  if (text.size() <= kTextMax) {
    out.append(text);
    return;
  }
  unsigned char digest[SHA256_DIGEST_LENGTH];
  ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  out.append(reinterpret_cast<const char*>(digest), 16);
}

char letter(char small, std::string_view text) {
  return text.size() <= kTextMax ? small : static_cast<char>(small - 'a' + 'A');
}

}  // namespace

std::string KeyNames::tag_of_domain(std::string_view domain) {
  if (!domain.empty() && domain.size() <= kTagMax && std::ranges::all_of(domain, plain))
    return std::string(domain);
  return short_hash(domain);
}

std::string KeyNames::tag_of_text(std::string_view text) { return short_hash(text); }

std::string KeyNames::head(std::string_view tag) const {
  std::string out;
  out.reserve(prefix_.size() + tag.size() + 64);
  out.append(prefix_).append(1, '{').append(tag).append(1, '}');
  return out;
}

std::string KeyNames::state(std::string_view tag, std::string_view text, uint64_t salt) const {
  std::string out = head(tag);
  out += letter(salt == 0 ? 's' : 't', text);
  if (salt != 0) {
    char bytes[sizeof salt];
    std::memcpy(bytes, &salt, sizeof salt);
    out.append(bytes, sizeof bytes);
  }
  append_text(out, text);
  return out;
}

std::string KeyNames::block(std::string_view tag, std::string_view text) const {
  std::string out = head(tag);
  out += letter('b', text);
  append_text(out, text);
  return out;
}

std::string KeyNames::flag(std::string_view tag) const { return head(tag) + 'f'; }

std::string KeyNames::id(std::string_view made, std::string_view tag) const {
  std::string out(made);
  if (placement_ == Placement::kDomain) out.append(1, '.').append(tag);
  return out;
}

std::string KeyNames::opening(std::string_view id) const {
  const bool known = id.size() >= kMadeBytes && id.size() <= kMadeBytes + 1 + kTagMax;
  const auto sound = [](char c) { return plain(c) || c == '.' || c == '~'; };
  if (!known || !std::ranges::all_of(id, sound)) return {};
  if (id.size() == kMadeBytes) return head(id) + 'o';
  if (id[kMadeBytes] != '.') return {};
  return (head(id.substr(kMadeBytes + 1)) + 'o').append(id);
}

}  // namespace store

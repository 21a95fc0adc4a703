#include "http/request_id.h"

#include <algorithm>

namespace http {
namespace {

constexpr size_t kIdBytesMax = 128;

bool usable(std::string_view id) {
  return !id.empty() && id.size() <= kIdBytesMax &&
         std::ranges::all_of(id, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

void name_request(std::string_view received, base::Random& ids, std::string& id) {
  if (usable(received)) {
    id = received;
    return;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  id.resize(16);
  uint64_t bits = ids.next();
  for (char& digit : id) {
    digit = kHex[bits & 15];
    bits >>= 4;
  }
}

}  // namespace http

// What a message of the pool's queue carries: a URL as it was given, and as it is to be fetched
// now. Only this process reads it, so its fields stand in memory as they are.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "http/url.h"

namespace fetch {

struct Carried {
  uint64_t index = 0;      // The URL's place in the input.
  unsigned redirects = 0;  // Followed so far.
  bool foreign = false;    // Some hop led to another origin: fields of the caller's stay behind.
  std::string_view given;
};

void encode(const Carried& carried, const http::Url& url, std::string& to);  // Clears it first.
// The view in what comes back points into `body`.
Carried decode(std::string_view body, http::Url& url);

}  // namespace fetch

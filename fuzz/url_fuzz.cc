// Any bytes as a URL: what is read is strict, and reads as itself: by us, and by libcurl alone,
// which is what connects.
#include <curl/curl.h>

#include <cstdint>
#include <memory>

#include "base/check.h"
#include "http/address_guard.h"
#include "http/url.h"

namespace {

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (::curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, decltype(&::curl_free)> owner(text, ::curl_free);
  return text;
}

void agrees_with_curl(const http::Url& url) {
  const std::unique_ptr<CURLU, decltype(&::curl_url_cleanup)> curl(::curl_url(),
                                                                   ::curl_url_cleanup);
  CHECK(::curl_url_set(curl.get(), CURLUPART_URL, url.text.c_str(), CURLU_DISALLOW_USER) ==
        CURLUE_OK);
  const bool six = url.ip && !url.ip->v4();
  CHECK(part_of(curl.get(), CURLUPART_HOST) == (six ? "[" + url.host + "]" : url.host));
  CHECK(part_of(curl.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT) == std::to_string(url.port));
  CHECK(part_of(curl.get(), CURLUPART_SCHEME) == (url.tls ? "https" : "http"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  for (const std::string_view before : {"", "http://"}) {
    const base::Result<http::Url> url = http::parse_url(std::string(before).append(input));
    if (!url) continue;
    const base::Result<http::Url> again = http::parse_url(url->text);
    CHECK(again && again->text == url->text && again->origin() == url->origin());
    CHECK(url->ip == io::Ip::parse(url->host));
    // However it is read: an upper-case scheme keeps parse_url() from its short way.
    const base::Result<http::Url> other = http::parse_url("HTTP" + url->text.substr(4));
    CHECK(other && other->text == url->text && other->origin() == url->origin());
    agrees_with_curl(*url);
  }
  const http::Url base = *http::parse_url("https://example.com/a/b?c");
  if (const base::Result<http::Url> next = http::resolve_url(base, input)) agrees_with_curl(*next);
  return 0;
}

#include "fetch/carried.h"

#include <cstring>

#include "base/check.h"

namespace fetch {
namespace {

struct Head {
  uint64_t index;
  uint32_t given_bytes, text_bytes;  // text_bytes 0: it is what was given.
  uint16_t host_bytes, port;
  uint8_t redirects, foreign, tls, has_ip;
};
static_assert(sizeof(Head) == 24);

}  // namespace

void encode(const Carried& carried, const http::Url& url, std::string& to) {
  const bool same = url.text == carried.given;
  const Head head{.index = carried.index,
                  .given_bytes = static_cast<uint32_t>(carried.given.size()),
                  .text_bytes = same ? 0 : static_cast<uint32_t>(url.text.size()),
                  .host_bytes = static_cast<uint16_t>(url.host.size()),
                  .port = url.port,
                  .redirects = static_cast<uint8_t>(carried.redirects),
                  .foreign = carried.foreign,
                  .tls = url.tls,
                  .has_ip = url.ip.has_value()};
  to.assign(reinterpret_cast<const char*>(&head), sizeof head);
  to.append(carried.given);
  if (!same) to.append(url.text);
  to.append(url.host);
}

Carried decode(std::string_view body, http::Url& url) {
  Head head{};
  CHECK(body.size() >= sizeof head);
  std::memcpy(&head, body.data(), sizeof head);
  const Carried carried{head.index, head.redirects, head.foreign != 0,
                        body.substr(sizeof head, head.given_bytes)};
  body.remove_prefix(sizeof head + head.given_bytes);
  url.text = head.text_bytes == 0 ? carried.given : body.substr(0, head.text_bytes);
  url.host = body.substr(head.text_bytes);
  CHECK(url.host.size() == head.host_bytes);
  url.port = head.port;
  url.tls = head.tls != 0;
  url.ip = head.has_ip != 0 ? io::Ip::parse(url.host) : std::nullopt;
  return carried;
}

}  // namespace fetch

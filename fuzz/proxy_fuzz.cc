// Any bytes as a request to the gateway: what its reader takes, the api's reader (Beast) takes for
// the same, and where the bytes are cut changes nothing.
#include <cstdint>
#include <optional>
#include <string>

#include "base/check.h"
#include "http/reader.h"
#include "proxy/body_reader.h"
#include "proxy/client_address.h"
#include "proxy/forwarded.h"
#include "proxy/heads.h"

namespace {

using proxy::BodyReader;

constexpr size_t kBytesMax = size_t{8}
                             << 10;  // Under the bound of headers that the other reader has.

std::optional<std::string> body_of(const proxy::Framing& framing, std::string_view bytes,
                                   size_t at_once) {
  std::string out;
  BodyReader body;
  body.begin(framing);
  while (!body.done()) {
    if (bytes.empty() || body.broken()) return std::nullopt;
    const BodyReader::Piece piece = body.take(bytes.substr(0, at_once));
    out += piece.data;
    bytes.remove_prefix(piece.used);
  }
  return out;
}

// The same request by the other reader; nothing: it takes none.
std::optional<std::string> other_reader(std::string_view bytes) {
  http::Reader reader({});
  while (true) {
    const http::Reader::Found found = reader.step(bytes);
    bytes.remove_prefix(reader.consumed());
    if (found == http::Reader::Found::kContinue) continue;
    if (found != http::Reader::Found::kRequest) return std::nullopt;
    const http::Request request = reader.request();
    return std::string(request.method) + " " + std::string(request.target) + " " +
           std::string(request.body);
  }
}

void request(std::string_view bytes) {
  const size_t size = proxy::find_head_end(bytes, 0);
  for (size_t seen = 0; seen < std::min(size, bytes.size()); seen += 7) {
    CHECK(proxy::find_head_end(bytes, seen) == size);
  }
  proxy::RequestHead head;
  if (size == bytes.npos || proxy::parse_request(bytes.substr(0, size), head)) return;
  CHECK(!proxy::hopeless(bytes.substr(0, size)));
  CHECK(head.target.starts_with('/') && head.fields.all.size() == head.fields.kinds.size());
  const std::optional<std::string> whole =
      body_of(head.framing, bytes.substr(size), BodyReader::kDroppedBytesMax);
  CHECK(whole == body_of(head.framing, bytes.substr(size), 1));
  // Trailers are dropped here whatever they say; the other reader judges them.
  if (!whole || head.framing.kind == proxy::Framing::Kind::kChunked) return;
  const std::optional<std::string> other = other_reader(bytes);
  CHECK(other == std::string(head.method) + " " + std::string(head.target) + " " + *whole);
}

void addresses(std::string_view text) {
  if (const auto ip = proxy::parse_forwarded_node(text)) {
    CHECK(proxy::parse_forwarded_node(ip->text()) == ip);
  }
  if (!proxy::parse_forwarded(text)) return;
  std::string longer(text);
  longer += ", ";
  proxy::append_forwarded(longer, *io::Ip::parse("::1"), "h:1");
  CHECK(proxy::parse_forwarded(longer));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  if (size > kBytesMax) return 0;
  request(input);
  addresses(input);
  proxy::ResponseHead answer;
  if (const size_t end = proxy::find_head_end(input, 0); end != input.npos) {
    proxy::parse_response(input.substr(0, end), false, answer);
  }
  return 0;
}

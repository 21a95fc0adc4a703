// The URL of a push queue as a template: "https://example.com/hook/{key}", "{header:url}".
//
// Parts are {queue}, {key} and {header:NAME}. One at the very start is put in as it is: it brings
// scheme and host along. All others are percent-encoded, so that no key and no header leads to
// another host, path or query than the template's.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/request.h"

namespace engine {

class UrlTemplate {
 public:
  // kInvalid: what is wrong with it. It begins with http://, https:// or a part, has at most
  // queue::kPushUrlBytesMax bytes, and none that a URL cannot have.
  static base::Result<UrlTemplate> make(std::string_view text);

  // Empty: a part is absent or empty for this message.
  std::string render(std::string_view queue, std::string_view key,
                     std::span<const Header> headers) const;

 private:
  enum class From : uint8_t { kText, kQueue, kKey, kHeader };
  struct Part {
    From from;
    std::string text;  // kHeader: its name.
  };
  static base::Result<Part> part_of(std::string_view name);

  std::vector<Part> parts_;
};

}  // namespace engine

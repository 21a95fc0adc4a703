// Lines that a web browser or an HTTP client would send. A page in a browser can make it send any
// bytes behind such a line to a port of the same machine; so the connection ends there.
#pragma once
#include <span>
#include <string_view>

namespace protocol {

// By the first bytes alone: a usual method and a target (`GET /`), or a usual field (`Host:`).
// Reads at most kLineBytesMin bytes.
bool begins_like_http(std::string_view line);

// Any other method: `REPORT /path HTTP/1.1`.
bool is_http_request(std::span<const std::string_view> words);

}  // namespace protocol

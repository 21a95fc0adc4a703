// A request as it was read, and an answer as it is to be sent.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace http {

// Views are valid while the request is being told to its owner.
struct Request {
  std::string_view method;          // As received: upper case for every method there is.
  std::string_view target;          // Path and query; begins with '/'.
  std::string_view host;            // The Host field, or the authority of an absolute target.
  std::string_view origin;          // Empty: none.
  std::string_view sec_fetch_site;  // Empty: none.
  std::string_view content_type;    // Empty: none.
  std::string_view request_id;      // X-Request-Id as received, or made here.
  std::string_view body;
};

struct Answer {
  int status = 200;
  std::string_view content_type = "application/json";  // Static text.
  std::string body;
  std::vector<std::pair<std::string_view, std::string>> headers;  // Names are static text.
};

// Why a request could not be read. The answer is made by the connection's owner, whose room knows
// what a problem document looks like; then the connection is closed.
struct Refusal {
  int status;               // 400, 408, 413, 417, 431, 501, 505.
  std::string_view detail;  // For people; static text.
};

}  // namespace http

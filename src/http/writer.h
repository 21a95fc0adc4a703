// Answers to bytes.
#pragma once
#include <string>
#include <string_view>

#include "base/time.h"
#include "http/message.h"

namespace http {

struct Sending {
  std::string_view request_id;
  base::Time now;           // For Date.
  bool head = false;        // No body, but its length.
  bool close = false;       // Connection: close
  bool keep_alive = false;  // Connection: keep-alive, which HTTP/1.0 wants to be told.
};

// "Not Found"; empty: a status that nobody here answers with.
std::string_view reason(int status);

// Appends the answer. 204 and 304 have neither body nor length.
void write(const Answer& answer, const Sending& sending, std::string& out);

// "Sun, 06 Nov 1994 08:49:37 GMT"; made anew once a second and thread. Valid until the next call on
// this thread.
std::string_view http_date(base::Time now);

}  // namespace http

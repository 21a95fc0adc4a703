// The fields of a request in the shape that libcurl takes them in, without an allocation of their
// own each: one text, and a list that points into it.
#pragma once
#include <curl/curl.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/client.h"

namespace http {

bool is_token(std::string_view text);  // RFC 9110's.

class FieldLines {
 public:
  // Replaces what was there; leaves out what is the client's own to say. kInvalid: a name that is
  // no token, a control byte.
  base::Status take(std::span<const Field> fields);
  void add(std::string_view line);        // As libcurl takes it: "Name: value", "Name:".
  bool has(std::string_view name) const;  // In any case; also if it is there to be left out.
  void drop(std::string_view prefix);     // Every line that begins so, in any case.
  void clear() { text_.clear(); }
  const curl_slist* list();  // Valid until the next change. Null: none.

 private:
  std::string text_;  // Lines, each with a zero behind it.
  std::vector<curl_slist> list_;
};

}  // namespace http

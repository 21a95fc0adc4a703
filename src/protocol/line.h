// Requests in the line protocol: one line, its words split at spaces.
//
//   CHECK api user=42 COST 3                  CHECK, api, user=42, COST, 3
//   ECHO "two words\n" a"b                    ECHO, two words<LF>, a"b
//
// A word that begins with a quote is a JSON string and ends at a space or the end of the line;
// bytes above 0x7f need not be UTF-8 in it. A line over the bound is refused once, then passed over
// to its end as it arrives. A line of HTTP breaks the stream: no web page can drive the port.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/found.h"

namespace protocol {

class LineParser {
 public:
  explicit LineParser(Bounds bounds) : bounds_(bounds) {}
  Parsed step(std::string_view bytes, Found& found);  // As Parser::step.

 private:
  Parsed split(std::string_view line, Found& found);

  Bounds bounds_;
  std::string scratch_;   // Words whose escapes were resolved, one behind the other.
  size_t scanned_ = 0;    // Bytes of the present line that hold no LF.
  bool refused_ = false;  // The present line is being passed over.
};

}  // namespace protocol

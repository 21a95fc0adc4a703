// Requests in RESP: arrays of bulk strings, and nothing else.
//
//   *2\r\n  $4\r\n ECHO \r\n  $2\r\n hi \r\n      the words ECHO, hi
//   *0\r\n and *-1\r\n                            passed over in silence, as Redis does
//
// Announced lengths are believed only in so far as bytes arrive: nothing is allocated for them. A
// request over a bound is refused once, then passed over as it arrives; what makes no sense at all
// (a length that is no number, a bulk string over 512 MiB, over 2^20 elements) breaks the stream.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/found.h"

namespace protocol {

class RespParser {
 public:
  explicit RespParser(Bounds bounds) : bounds_(bounds) {}
  Parsed step(std::string_view bytes, Found& found);  // As Parser::step.

 private:
  struct Span {
    size_t at;  // From the request's first byte: the bytes may move between two steps.
    size_t size;
  };
  Parsed begin(std::string_view bytes, Found& found);
  Parsed elements(std::string_view request, Found& found);
  Parsed pass_over(std::string_view bytes, Found& found);
  Parsed refuse(Found& found, size_t passed, std::string why);

  Bounds bounds_;
  std::vector<Span> spans_;
  size_t at_ = 0;           // Where the next element begins, from the request's first byte.
  int64_t left_ = 0;        // Elements that are still to come; 0 between two requests.
  int64_t pass_bytes_ = 0;  // Of a refused request's present element.
  bool refused_ = false;    // The present request is being passed over.
};

}  // namespace protocol

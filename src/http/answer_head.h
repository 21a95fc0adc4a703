// The head of an answer, as libcurl hands it over line by line: its status, the few fields that are
// listened to, and what about it is refused.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/client.h"

namespace http {

class AnswerHead {
 public:
  struct Bounds {
    size_t bytes_max = 0;  // Status lines, fields, interim answers and trailers together.
    bool decompress = false, brotli = false;  // What may be undone: gzip, and Brotli.
  };
  void begin(const Bounds& bounds);

  // A line with its end. False: this answer is no good; failure() and why() say how.
  bool take(std::string_view line);
  Failure failure() const { return failure_; }
  std::string_view why() const { return why_; }

  int status() const { return status_ < 200 ? 0 : status_; }  // 0: only interim ones so far.
  bool begun() const { return status_ != 0; }
  bool whole() const { return part_ == Part::kBody; }  // What follows are trailers.

  std::string retry_after, ratelimit, age, location;  // Of the last answer that has begun.

 private:
  enum class Part : uint8_t { kStatus, kFields, kBody };

  bool refuse(Failure failure, std::string_view why);
  void forget_fields();
  bool take_status(std::string_view line);
  bool take_field(std::string_view line);
  bool take_coding(std::string_view value);

  Bounds bounds_;
  Part part_ = Part::kStatus;
  int status_ = 0;
  size_t bytes_ = 0;
  bool coded_ = false;
  Failure failure_ = Failure::kNone;
  std::string_view why_;
};

}  // namespace http

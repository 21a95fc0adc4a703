#include "http/answer_head.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"

namespace http {

void AnswerHead::begin(const Bounds& bounds) {
  bounds_ = bounds;
  part_ = Part::kStatus;
  status_ = 0;
  bytes_ = 0;
  coded_ = false;
  failure_ = Failure::kNone;
  why_ = {};
  forget_fields();
}

void AnswerHead::forget_fields() {
  for (std::string* field : {&retry_after, &ratelimit, &age, &location}) {
    field->clear();
  }
}

bool AnswerHead::refuse(Failure failure, std::string_view why) {
  failure_ = failure;
  why_ = why;
  return false;
}

bool AnswerHead::take(std::string_view line) {
  bytes_ += line.size();
  if (bytes_ > bounds_.bytes_max) {
    return refuse(Failure::kTooLarge, "the header is over its bound");
  }
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  switch (part_) {
    case Part::kStatus:
      return take_status(line);
    case Part::kFields:
      if (!line.empty()) return take_field(line);
      // After an interim answer the real one is still to come.
      part_ = status_ < 200 ? Part::kStatus : Part::kBody;
      return true;
    case Part::kBody:
      return true;  // Trailers say nothing that is listened to.
  }
  return true;
}

bool AnswerHead::take_status(std::string_view line) {
  const size_t space = std::min(line.find(' '), line.size());
  const std::string_view digits = line.substr(std::min(space + 1, line.size())).substr(0, 3);
  if (digits.size() != 3 ||
      !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; }))
    return refuse(Failure::kBroken, "the answer has no status");
  status_ = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
  part_ = Part::kFields;
  // What an interim answer said of these is not about the real one.
  forget_fields();
  return true;
}

bool AnswerHead::take_field(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return true;
  const std::string_view name = line.substr(0, colon);
  const auto value = [&] {
    std::string_view text = line.substr(colon + 1);
    while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return text;
  };
  const auto first = [&](std::string& into) {
    if (into.empty()) into = value();
    return true;
  };
  const auto next = [&](std::string& into) {  // Of a list.
    if (!into.empty()) into += ", ";
    into += value();
    return true;
  };
  switch (name.size()) {
    case 3:
      return base::same_in_any_case(name, "age") ? first(age) : true;
    case 8:
      return base::same_in_any_case(name, "location") ? first(location) : true;
    case 9:
      return base::same_in_any_case(name, "ratelimit") ? next(ratelimit) : true;
    case 11:
      return base::same_in_any_case(name, "retry-after") ? first(retry_after) : true;
    case 16:
      return bounds_.decompress && base::same_in_any_case(name, "content-encoding")
                 ? take_coding(value())
                 : true;
    case 17:
      return !base::same_in_any_case(name, "transfer-encoding") ||
             base::same_in_any_case(value(), "chunked") ||
             refuse(Failure::kBroken, "a transfer coding that was not asked for");
    default:
      return true;
  }
}

// libcurl would undo any coding that it knows, five on top of each other; zstd's window alone may
// be 128 MiB. Here it is one, of those asked for.
bool AnswerHead::take_coding(std::string_view value) {
  if (value.empty() || base::same_in_any_case(value, "identity")) return true;
  const bool known = base::same_in_any_case(value, "gzip") ||
                     base::same_in_any_case(value, "x-gzip") ||
                     (base::same_in_any_case(value, "br") && bounds_.brotli);
  if (!known || std::exchange(coded_, true)) {
    return refuse(Failure::kBroken, "a content coding that was not asked for");
  }
  return true;
}

}  // namespace http

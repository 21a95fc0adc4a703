// Answers to bytes, in the spelling of each wire. A verb writes its answer once; the writer spells
// it for the line protocol, RESP2, RESP3 or JSON over HTTP (docs/protocol.md has the table).
//
//   writer.record(3).field("allowed").truth(true).field("limit").integer(5).field("by").nil();
//
// An answer is one value: simple, error, integer, nil, text, truth, list or record. A list or record
// announces its size and is complete when that many values (or fields with their values) followed.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/request.h"

namespace protocol {

// The word in front of an error's text: ERR, LIMITED, NOAUTH, NOPERM, NOTFOUND, STALE, FULL,
// READONLY, UNKNOWN, SHUTDOWN.
std::string_view prefix(base::Code code);

class Writer {
 public:
  Writer(Wire wire, std::string& out);  // Appends to `out`, which must outlive the writer.

  Writer& simple(std::string_view text);  // +OK. Line: bare. JSON: a string.
  Writer& error(base::Code code, std::string_view text);  // CR and LF in the text become spaces.
  Writer& error_line(std::string_view whole);  // An error whose prefix is its own ("ERR ..." included).
  Writer& integer(int64_t value);
  Writer& nil();
  Writer& nil_list();  // RESP2 tells a missing list (*-1) from a missing string ($-1).
  Writer& text(std::string_view bytes);  // May be binary.
  Writer& truth(bool value);             // RESP: 1 or 0. JSON: true or false.
  Writer& list(size_t size);
  Writer& record(size_t fields);
  Writer& field(std::string_view name);  // Inside a record, before each value.

  Wire wire() const { return wire_; }
  bool complete() const;  // Nothing is open: exactly one whole answer has been written.

 private:
  Wire wire_;
};

}  // namespace protocol

// Answers to bytes, in the spelling of each wire. A verb writes its answer once; the writer spells
// it for the line protocol, RESP2, RESP3 or JSON over HTTP (docs/protocol.md has the table).
//
//   writer.record(3).field("allowed").truth(true).field("limit").integer(5).field("by").nil();
//
// An answer is one value: simple, error, integer, nil, text, truth, list or record. A list or
// record announces its size and is complete when that many values (or fields with their values)
// followed. To announce or write anything else is a bug of the caller (CHECK).
#pragma once
#include <array>
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
  static constexpr size_t kDepthMax = 8;  // Of lists and records in each other.

  Writer(Wire wire, std::string& out);  // Appends to `out`, which must outlive the writer.

  // Control bytes in the text of these three (CR and LF above all) become spaces.
  Writer& simple(std::string_view text);  // +OK. Line: bare. JSON: a string.
  Writer& error(base::Code code, std::string_view text);
  Writer& error_line(std::string_view whole);  // Its prefix is its own ("ERR ..." included).

  Writer& integer(int64_t value);
  Writer& nil();
  Writer& nil_list();  // RESP2 tells a missing list (*-1) from a missing string ($-1).

  // May be binary. Where an answer is JSON and the text is no UTF-8, a field F becomes F_base64;
  // a value of a list, which has no name to tell it, gets U+FFFD for each bad byte.
  Writer& text(std::string_view bytes);
  Writer& truth(bool value);  // RESP: 1 or 0. JSON: true or false.
  Writer& list(size_t size);
  Writer& record(size_t fields);
  Writer& field(
      std::string_view name);  // Inside a record, before each value, which `name` outlives.

  Wire wire() const { return wire_; }
  bool complete() const { return done_; }  // Exactly one whole answer has been written.

 private:
  struct Open {
    size_t left;  // Values still to come.
    bool record;
    bool first;
  };
  bool resp() const { return wire_ == Wire::kResp2 || wire_ == Wire::kResp3; }
  bool json() const { return wire_ == Wire::kJson || (wire_ == Wire::kLine && depth_ > 0); }
  void begin_value(std::string_view name_suffix = {});
  Writer& end_value();
  void open(size_t size, bool record);
  void put_head(char kind, int64_t number);
  void put_number(int64_t number);
  void put_bulk(std::string_view bytes);
  void put_clean(std::string_view text);

  std::string& out_;
  std::string_view name_;  // Of the value that comes next.
  std::array<Open, kDepthMax> open_;
  uint8_t depth_ = 0;
  Wire wire_;
  bool named_ = false;
  bool done_ = false;
};

}  // namespace protocol

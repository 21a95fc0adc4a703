// Templates of descriptors: "tenant={header:tenant}", and what a message makes of them.
//
//   template   = entry *("," entry)         one descriptor, an ordered path
//   entry      = key "=" part*              a part is text, or one of
//   {queue} {key} {header:NAME} {host}      host: of the URL in the header `url`, lower-case, with
//                                           its port unless that is the default one
//
// `%XX` spells any byte of the text, also `,` `=` `{` and `%`. A value that is absent or empty
// makes the descriptor not apply.
//
// Encoded, a decision's domain and descriptors are one opaque text: part of a flow's identity and
// of the message's record.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/request.h"
#include "limiter/limiter.h"
#include "queue/settings.h"

namespace engine {

base::Status validate_template(std::string_view text);  // kInvalid: what is wrong with it.

// What a queue's messages ask of limits. Thread: one owner.
class Templates {
 public:
  Templates() = default;
  explicit Templates(const queue::Decide& decide);  // Faulty templates are left out.
  bool empty() const { return descriptors_.empty(); }

  // Empty: nothing applies, so nothing is asked. Valid until the next call.
  std::string_view render(std::string_view queue, const Message& message);

 private:
  enum class From : uint8_t { kText, kQueue, kKey, kHeader, kHost };
  struct Part {
    From from;
    std::string text;  // kHeader: its name in lower case.
  };
  struct Entry {
    std::string key;
    std::vector<Part> parts;
  };
  friend base::Status validate_template(std::string_view text);
  static base::Result<std::vector<Entry>> parse(std::string_view text);
  static base::Result<Entry> parse_entry(std::string_view text);
  bool render_entry(const Entry& entry, std::string_view queue, const Message& message);

  std::string domain_;
  std::vector<std::vector<Entry>> descriptors_;
  std::string out_, value_;
};

// The decoded ask; views point into the encoded text and into itself. Reused. Thread: one owner.
class AskText {
 public:
  // REQUIRES: made by Templates::render() or encode_ask(), not empty.
  limiter::Ask decode(std::string_view encoded, int64_t cost);

 private:
  std::vector<limiter::Entry> entries_;
  std::vector<limiter::Descriptor> descriptors_;
};

std::string encode_ask(std::string_view domain, std::span<const limiter::Descriptor> descriptors);

}  // namespace engine

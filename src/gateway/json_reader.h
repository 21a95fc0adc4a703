// Takes a few values out of a JSON text in one pass, and builds nothing else: no tree, no
// allocations but the listener's own.
//
// Grammar: RFC 8259, UTF-8 only, 32 levels at most (Boost.JSON's parser does the reading).
// Thread: any.
#pragma once
#include <boost/json/basic_parser_impl.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace gateway {

// What the parser calls for each part of the text, in order. A listener hides those that it wants;
// false, with a fault set, ends the reading. Texts and names come in parts where they have escapes:
// on_…_part() some times, then on_…() with the last one; `total` is the size so far.
struct JsonListener {
  static constexpr size_t max_object_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_array_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_key_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_string_size = std::numeric_limits<size_t>::max();
  using Fault = boost::json::error_code;
  using Text = boost::json::string_view;

  bool on_document_begin(Fault&) { return true; }
  bool on_document_end(Fault&) { return true; }
  bool on_array_begin(Fault&) { return true; }
  bool on_array_end(size_t, Fault&) { return true; }
  bool on_object_begin(Fault&) { return true; }
  bool on_object_end(size_t, Fault&) { return true; }
  bool on_key_part(Text, size_t, Fault&) { return true; }
  bool on_key(Text, size_t, Fault&) { return true; }
  bool on_string_part(Text, size_t, Fault&) { return true; }
  bool on_string(Text, size_t, Fault&) { return true; }
  bool on_number_part(Text, Fault&) { return true; }
  bool on_int64(int64_t, Text, Fault&) { return true; }
  bool on_uint64(uint64_t, Text, Fault&) { return true; }
  bool on_double(double, Text, Fault&) { return true; }
  bool on_bool(bool, Fault&) { return true; }
  bool on_null(Fault&) { return true; }
  bool on_comment_part(Text, Fault&) { return true; }
  bool on_comment(Text, Fault&) { return true; }

 protected:
  // Puts a text together: for each of its parts, the last one included.
  static void gather(std::string& text, Text part, size_t total) {
    if (total == part.size()) text.clear();
    text.append(part.data(), part.size());
  }
};

// False: it is no JSON, or the listener ended it.
template <typename Listener>
bool read_json(std::string_view text, Listener listener) {
  boost::json::basic_parser<Listener> parser({}, std::move(listener));
  boost::json::error_code fault;
  return parser.write_some(false, text.data(), text.size(), fault) == text.size() && !fault;
}

}  // namespace gateway

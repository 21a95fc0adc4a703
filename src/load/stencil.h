// A request with holes. What is the same each time is spelled once; the holes have a fixed width,
// so a request is one copy and a few digits.
//
//   {key}     key:000000000042     {number}  000000000042     {queue}  bench, or bench000003
//   {body}    xxxx…, or where bodies are told apart: 9f86d081-000000000042-xxxx…
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace load {

// What one request is about.
struct Draw {
  uint64_t key = 0;
  uint64_t number = 0;  // Of the request, among all of this load.
  uint64_t queue = 0;
};

struct Spelling {
  std::string queue = "bench";
  uint64_t queues = 1;
  size_t body_bytes = 100;  // At least kNameBytes if there is a tag.
  std::string tag;          // Eight characters: bodies begin with it and their number.

  static constexpr size_t kDigits = 12;              // Of keys and numbers.
  static constexpr size_t kQueueDigits = 6;          // Where there are several.
  static constexpr size_t kNameBytes = 9 + kDigits;  // Of a body: tag, '-', number.
  std::string queue_name(uint64_t index) const;
  std::string body_name(uint64_t number) const;  // What a body with a tag begins with.
  std::string dedup_id(uint64_t number) const;   // "id-000000000042", with the tag if there is one.
};

std::string key_text(uint64_t key);  // "key:000000000042"

class Stencil {
 public:
  Stencil() = default;
  Stencil(std::string_view text, const Spelling& spelling);

  void append(std::string& out, const Draw& draw) const;
  size_t bytes() const { return text_.size(); }  // Of each request.

 private:
  enum class What : uint8_t { kKey, kNumber, kQueue };
  struct Hole {
    size_t at;
    What what;
  };
  void add(std::string_view name, const Spelling& spelling);
  void hole(What what, size_t digits);

  std::string text_;
  std::vector<Hole> holes_;
};

}  // namespace load

// For tests: the scripts in a real Redis, told the time, with one state.
#pragma once
#include <optional>
#include <string>

#include "store/frame.h"
#include "store/script.h"
#include "store/test_store.h"

namespace store {

// What a settling script is told of one change. (script.h)
inline std::string put_change(uint8_t what, int64_t n, int64_t x) {
  std::string out;
  put_byte(out, what);
  put_short(out, 1);
  put_number(out, n);
  put_number(out, x);
  return out;
}

class ScriptBed {
 public:
  static constexpr const char* kKey = "model";

  explicit ScriptBed(uint16_t port) : client_(loop_, test_options(port).redis) {}

  // `rest` is ARGV[5]. Returns what the script answers.
  std::string run(const redis::Client::Script& script, const Law& law, int64_t now_us,
                  const std::string& rest) {
    Frame frame;
    frame.state({1, 1}, 1, law, base::time_from(now_us * 1000), [] { return std::string(kKey); });
    const std::string clock = std::to_string(now_us);
    const Frame::Words words = frame.words(clock, rest, {});
    std::optional<std::string> got;
    client_.run(script, words.keys, words.arguments, std::chrono::seconds(10),
                [&](base::Result<redis::Reply>&& reply) {
                  CHECK(reply && reply->kind == redis::Reply::Kind::kText);
                  got = reply->text;
                });
    while (!got) loop_.poll().wait();
    return *got;
  }

 private:
  io::Loop loop_;
  redis::Client client_;
};

}  // namespace store

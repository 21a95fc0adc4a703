// One blocking connection that speaks the line protocol, and how a word is spelled on it.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cli {

// A word as the line protocol reads it back: as it is, or as a JSON string where it would fall
// apart (docs/protocol.md).
std::string spell_word(std::string_view word);
std::string spell_line(std::span<const std::string> words);

// Does this answer begin with one of the error prefixes?
bool is_error(std::string_view answer);

// Thread: one owner.
class LineClient {
 public:
  // kIo: nobody listens there; the text names the address.
  static base::Result<LineClient> connect(const std::string& host, const std::string& port);
  LineClient(LineClient&& other) noexcept;
  LineClient& operator=(LineClient&&) = delete;
  ~LineClient();

  base::Status send(std::string_view line);  // Adds the LF.
  base::Result<std::string> receive();       // One answer without its LF. kShutdown: the end.

 private:
  explicit LineClient(int socket) : socket_(socket) {}

  static constexpr size_t kAnswerMax = size_t{64} << 20;
  int socket_;
  std::string received_;
};

}  // namespace cli

// Plays a transcript (tests/scripts/README.md) against a conversation with a told clock.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "command/talk_bed.h"

namespace command {

class Script {
 public:
  // Plays all lines of `text`; empty: every answer was as written. Else what went wrong, and where.
  std::string play(std::string_view text);
  int answers() const { return answers_; }  // Lines of expectation that were met.

 private:
  std::string step(std::string_view line);
  std::string send(std::string_view bytes);
  std::string expect(std::string_view pattern, std::string_view end);
  std::string expect_bytes(std::string_view bytes);
  std::string filled(std::string_view text) const;

  TalkBed bed_;
  std::string output_;  // Not yet expected.
  std::map<std::string, std::string, std::less<>> kept_;
  int answers_ = 0;
};

}  // namespace command

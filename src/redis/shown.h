// Replies as text, for tests and the fuzzer.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>

#include "redis/reply.h"

namespace redis {

inline std::string shown(const Reply& reply) {
  switch (reply.kind) {
    case Reply::Kind::kNil:
      return "nil";
    case Reply::Kind::kInteger:
      return std::to_string(reply.integer);
    case Reply::Kind::kText:
      return "'" + reply.text + "'";
    case Reply::Kind::kError:
      return "!'" + reply.text + "'";
    case Reply::Kind::kList:
      break;
  }
  std::string out = "[";
  for (const Reply& each : reply.list) out += shown(each) + " ";
  return out + "]";
}

// All replies of `bytes`, given to a parser `cut` at a time; "broken" if it says so, whatever came
// before.
inline std::string read_all(std::string_view bytes, size_t cut, size_t bytes_max) {
  ReplyParser parser(bytes_max);
  std::string out, kept;
  while (!bytes.empty()) {
    kept += bytes.substr(0, cut);
    bytes.remove_prefix(std::min(cut, bytes.size()));
    ReplyParser::Found found = ReplyParser::Found::kReply;
    while (found == ReplyParser::Found::kReply) {
      found = parser.step(kept);
      kept.erase(0, parser.consumed());
      if (found == ReplyParser::Found::kBroken) return "broken";
      if (found == ReplyParser::Found::kMore) break;
      out += (parser.push() ? ">" : "") + shown(parser.reply()) + " ";
    }
  }
  return out;
}

}  // namespace redis

// What our own server answers to a dequeue in JSON: over HTTP {"messages":[…]}, in a line [ … ].
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "load/talk.h"

namespace load {

// Texts of messages() live until the next parse.
class MessageJson {
 public:
  MessageJson();
  ~MessageJson();
  // The records, or their texts, are not as they should be: kInvalid.
  base::Status parse(std::string_view text);
  const std::vector<Message>& messages() const { return messages_; }

 private:
  struct Tree;
  std::unique_ptr<Tree> tree_;
  std::vector<Message> messages_;
};

}  // namespace load

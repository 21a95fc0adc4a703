// One name's addresses, looked up beside the loop: the resolver's threads wait, the owner looks in.
//
// Thread: one owner.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/ip.h"

namespace gateway {

class NameLookup {
 public:
  NameLookup();
  ~NameLookup();  // Never waits.

  void start(const std::string& host);  // REQUIRES: !running().
  bool running() const { return asked_ != nullptr; }
  // Its addresses, IPv4 alone if there are any; none: it has none, or could not be asked. Nothing:
  // not yet, or it is not running.
  std::optional<std::vector<io::Ip>> take();

 private:
  struct Asked;
  std::unique_ptr<Asked> asked_;
};

}  // namespace gateway

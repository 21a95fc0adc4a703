// The addresses of a host, without holding up the loop.
//
// A name is looked up by a thread of its own, since the system's resolver knows no deadline;
// whoever loses patience leaves it alone: it holds nothing but its own result, and a second look-up
// is not begun before the first has ended.
//
// Thread: the poll's.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/ip.h"
#include "io/poll.h"

namespace io {

class Lookup {
 public:
  using Found = base::Result<std::vector<Ip>>;  // One at least, IPv4 before IPv6.
  // `told` is not called from inside start(). It may not destroy the Lookup.
  Lookup(Poll& poll, std::function<void(Found)> told);
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  // Or goes on, if one is under way. False: the system has no thread or descriptor left.
  bool start(const std::string& host);

 private:
  class Asked;
  Poll& poll_;
  std::function<void(Found)> told_;
  std::unique_ptr<Asked> asked_;
};

}  // namespace io

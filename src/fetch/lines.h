// URLs from the command line and then from a file or a pipe, one a line: blank lines and those that
// begin with '#' are passed over, CRLF is a line's end too. A pipe is read when it has something,
// and as far as there is room for it.
//
// The index of a line is how many URLs were named before the file, plus its number from 1.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fetch/source.h"
#include "io/poll.h"

namespace fetch {

class Lines final : public Source, io::Source {
 public:
  // `fd`: none, if it holds no descriptor.
  Lines(io::Poll& poll, std::vector<std::string> first, io::Fd fd);
  ~Lines() override;
  // "-" is the standard input. The error names the file.
  static base::Result<io::Fd> open(const std::string& name);

  Got next(Line& line) override;
  std::string error() const override { return error_; }
  size_t named() const { return first_.size(); }  // Before the file.

 private:
  void on_ready(uint8_t ready) override;
  void read();
  bool cut(std::string_view& line, bool& too_long);

  io::Poll& poll_;
  const std::vector<std::string> first_;
  io::Fd fd_;
  bool watched_ = false;  // In the poll; a file is not, it can always be read.
  bool told_ = false;     // The descriptor is readable now.
  bool ended_ = false;
  bool skipping_ = false;  // The rest of a line that is too long.
  size_t at_ = 0;          // Of first_.
  uint64_t number_ = 0;    // Of the last line.
  std::string buffer_, error_;
  size_t begin_ = 0;  // Of what is left of the buffer.
};

}  // namespace fetch

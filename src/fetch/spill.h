// Lines that wait on disk, first in, first out for each host: one temporary file without a name,
// made of blocks that are used again. A host's lines fill a block in memory; full blocks go to the
// file, and come back one at a time.
//
//   add() ─► tail (memory) ─► full blocks (file) ─► head (memory) ─► take()
//
// Memory: two blocks a host that has lines here, and four bytes a block of the file.
// Thread: one owner.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/socket.h"

namespace fetch {

class Spill {
 public:
  static constexpr size_t kBlockBytes = 4096;
  struct Bounds {
    uint64_t file_bytes_max = uint64_t{1} << 30;
    size_t hosts_max = 4096;  // With lines here at a time.
  };
  // `dir` empty: $TMPDIR, else /var/tmp. The file is made when it is first needed.
  explicit Spill(Bounds bounds, std::string dir = {});

  // A host's lines; it lives as long as they do.
  class Lines {
   public:
    bool empty() const { return count_ == 0; }
    size_t count() const { return count_; }

   private:
    friend class Spill;
    size_t count_ = 0;
    size_t at_ = 0;  // Of head_.
    std::string head_, tail_;
    std::deque<uint32_t> blocks_;
  };

  // Is there room for one more? False: a bound is reached, or the disk has failed.
  bool has_room(const Lines& lines) const;
  // Nothing is added after an error; what was added before stays readable.
  base::Status add(Lines& lines, uint64_t index, std::string_view text);
  struct Line {
    uint64_t index = 0;
    std::string text;
  };
  // REQUIRES: not empty.
  base::Result<Line> take(Lines& lines);

  uint64_t file_bytes() const { return uint64_t{blocks_} * kBlockBytes; }
  size_t hosts() const { return hosts_; }

 private:
  base::Status make_file();
  base::Status write_block(Lines& lines);
  base::Status read_block(Lines& lines);
  base::Status copy(Lines& lines, char* to, size_t bytes);

  const Bounds bounds_;
  const std::string dir_;
  io::Fd file_;
  uint32_t blocks_ = 0;  // Of the file.
  std::vector<uint32_t> free_;
  size_t hosts_ = 0;
  bool failed_ = false;
};

}  // namespace fetch

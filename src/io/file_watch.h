// Tells when files have changed, however they are changed.
//
// Editors replace a file by renaming another over it, and Kubernetes swaps a symbolic link two
// directories up, so a watch on the file itself goes blind. The watch is on the directories (the
// file's, and that of what it links to); an event there is only a hint to look at the files again.
#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "io/socket.h"

namespace io {

// Thread: one owner.
class FileWatch {
 public:
  // A path may be a directory: it changes when an entry comes, goes or is replaced. Files that do
  // not exist are watched for if their directory does. A directory that cannot be watched is
  // logged, once.
  explicit FileWatch(std::vector<std::string> paths);
  void follow(std::vector<std::string> paths);  // From now on these instead.

  int fd() const { return inotify_.get(); }  // Readable when there are hints. -1: none to be had.
  void take_hints();                         // Until the next one fd() is not readable.
  // True if a watched path looks different from the last time. A change usually comes as several
  // hints: wait a little (kSettle) before asking.
  bool changed();
  static constexpr base::Duration kSettle = std::chrono::milliseconds(100);

 private:
  struct Look {
    uint64_t device = 0, inode = 0;
    int64_t modified_ns = 0, size = -1;  // -1: it is not there.
    friend bool operator==(const Look&, const Look&) = default;
  };
  static Look look(const std::string& path);
  void watch_directories();
  void watch(const std::string& directory);

  std::vector<std::string> paths_;
  std::vector<Look> seen_;
  std::set<std::string> unwatched_;  // Directories that were logged.
  Fd inotify_;
};

}  // namespace io

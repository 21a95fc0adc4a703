// One process at a time in a directory.
#pragma once
#include <string>

#include "base/result.h"
#include "io/socket.h"

namespace io {

// Holds DIRECTORY/LOCK with flock(2) for as long as it lives; the kernel lets go when the process
// dies, however it dies. The file holds the owner's process id, for the error of whoever comes
// second, and stays behind: removing it would race with one who has just opened it.
class FileLock {
 public:
  // Makes the directory (and those above it) where it is missing. Errors (kIo) name the directory,
  // and the process that holds it.
  static base::Result<FileLock> take(const std::string& directory);

 private:
  explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace io

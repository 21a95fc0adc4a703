// The door to the disk, as logs see it. Implementations: io::PosixDisk, sim::Disk.
//
// Nothing is durable before the sync() that covers it: bytes of a file by File::sync(), the entry
// of a file that was created, renamed or removed by Disk::sync_dir(). A sync() that failed says
// nothing of what is on the disk; it must not be repeated on the same file (P11).
//
// Errors: kReadOnly (no space), kNotFound, kIo; `what` names the path and what the system said.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace base {

// Thread: one writer; read() from any thread at any time.
class File {
 public:
  virtual ~File() = default;
  virtual Status write(uint64_t offset, std::string_view bytes) = 0;  // All, or an error.
  virtual Status sync() = 0;  // After ok, all that was written before survives a power loss.
  // The file is at least `bytes` long, and writes below that cannot meet a full disk. What was
  // never written reads as zeros.
  virtual Status reserve(uint64_t bytes) = 0;
  virtual Status truncate(uint64_t bytes) = 0;
  // Bytes read: fewer than asked for only at the end of the file.
  virtual Result<size_t> read(uint64_t offset, std::span<char> to) const = 0;
  virtual Result<uint64_t> size() const = 0;
};

// Paths are relative to the disk's root and use '/'. Thread: any.
class Disk {
 public:
  virtual ~Disk() = default;
  // A file is readable and writable; create() fails (kIo) if it is there.
  virtual Result<std::unique_ptr<File>> create(const std::string& path) = 0;
  virtual Result<std::unique_ptr<File>> open(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& dir) = 0;  // Names, sorted.
  virtual Status make_dir(const std::string& dir) = 0;  // With its parents; ok if it is there.
  virtual Status rename(const std::string& from, const std::string& to) = 0;  // Replaces `to`.
  virtual Status remove(const std::string& path) = 0;
  virtual Status sync_dir(const std::string& dir) = 0;
};

}  // namespace base

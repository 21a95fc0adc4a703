// The disk as the operating system has it.
#pragma once
#include <memory>
#include <string>

#include "base/disk.h"

namespace io {

// Files below `root`. Beyond what the door says: a directory that make_dir() made is durable when
// it returns; a full disk or quota is kReadOnly. What is reserved is reserved by the file system,
// or, where that cannot, by writing zeros. Files are not inherited by programs that are started.
// Thread: any.
class PosixDisk final : public base::Disk {
 public:
  explicit PosixDisk(std::string root) : root_(std::move(root)) {}

  base::Result<std::unique_ptr<base::File>> create(const std::string& path) override;
  base::Result<std::unique_ptr<base::File>> open(const std::string& path) override;
  base::Result<std::vector<std::string>> list(const std::string& dir) override;
  base::Status make_dir(const std::string& dir) override;
  base::Status rename(const std::string& from, const std::string& to) override;
  base::Status remove(const std::string& path) override;
  base::Status sync_dir(const std::string& dir) override;

 private:
  std::string full(const std::string& path) const { return root_ + "/" + path; }

  std::string root_;
};

}  // namespace io

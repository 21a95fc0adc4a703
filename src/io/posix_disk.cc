#include "io/posix_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "io/socket.h"

namespace io {
namespace {

namespace fs = std::filesystem;

constexpr size_t kZerosBytes = size_t{1} << 20;

base::Error failed(const std::string& path, const char* did, int error) {
  const base::Code code = error == ENOSPC || error == EDQUOT ? base::Code::kReadOnly
                          : error == ENOENT                  ? base::Code::kNotFound
                                                             : base::Code::kIo;
  return {code, path + ": " + did + ": " + std::generic_category().message(error), {}};
}

// The system call again for as long as a signal ends it.
template <typename Call>
auto again(Call call) {
  for (;;) {
    const auto out = call();
    if (out != -1 || errno != EINTR) return out;
  }
}

class PosixFile final : public base::File {
 public:
  PosixFile(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  base::Status write(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = again([&] {
        return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      });
      if (put < 0) return failed(path_, "write", errno);
      offset += static_cast<uint64_t>(put);
      bytes.remove_prefix(static_cast<size_t>(put));
    }
    return {};
  }

  // Not repeated, whatever the error: the kernel may have dropped the pages it could not write.
  base::Status sync() override {
    if (::fdatasync(fd_.get()) != 0) return failed(path_, "fdatasync", errno);
    return {};
  }

  base::Status reserve(uint64_t bytes) override {
    const int got = again([&] { return ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(bytes)); });
    if (got == 0) return {};
    if (errno != EOPNOTSUPP) return failed(path_, "fallocate", errno);
    return write_zeros(bytes);
  }

  base::Status truncate(uint64_t bytes) override {
    if (again([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(bytes)); }) != 0)
      return failed(path_, "truncate", errno);
    return {};
  }

  base::Result<size_t> read(uint64_t offset, std::span<char> to) const override {
    size_t done = 0;
    while (done < to.size()) {
      const ssize_t got = again([&] {
        return ::pread(fd_.get(), to.data() + done, to.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (got < 0) return failed(path_, "read", errno);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  base::Result<uint64_t> size() const override {
    struct stat now {};
    if (::fstat(fd_.get(), &now) != 0) return failed(path_, "stat", errno);
    return static_cast<uint64_t>(now.st_size);
  }

 private:
  base::Status write_zeros(uint64_t bytes) {
    const auto now = size();
    if (!now) return now.error();
    const std::string zeros(kZerosBytes, '\0');
    for (uint64_t at = *now; at < bytes; at += zeros.size()) {
      const size_t part = static_cast<size_t>(std::min<uint64_t>(zeros.size(), bytes - at));
      if (auto written = write(at, {zeros.data(), part}); !written) return written;
    }
    return {};
  }

  std::string path_;
  Fd fd_;
};

base::Result<std::unique_ptr<base::File>> open_file(const std::string& path, int flags,
                                                    const char* did) {
  Fd fd(again([&] { return ::open(path.c_str(), O_RDWR | O_CLOEXEC | flags, 0644); }));
  if (!fd) return failed(path, did, errno);
  return std::make_unique<PosixFile>(path, std::move(fd));
}

base::Status sync_directory(const std::string& path) {
  Fd fd(again([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd) return failed(path, "open", errno);
  if (::fsync(fd.get()) != 0) return failed(path, "fsync", errno);
  return {};
}

// With those above it, each durable in the one above before the next is made.
base::Status make_directory(const fs::path& path) {
  std::error_code error;
  if (path.empty() || fs::is_directory(path, error)) return {};
  if (auto above = make_directory(path.parent_path()); !above) return above;
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST)
    return failed(path.string(), "mkdir", errno);
  return sync_directory(path.has_parent_path() ? path.parent_path().string() : ".");
}

}  // namespace

base::Result<std::unique_ptr<base::File>> PosixDisk::create(const std::string& path) {
  return open_file(full(path), O_CREAT | O_EXCL, "create");
}

base::Result<std::unique_ptr<base::File>> PosixDisk::open(const std::string& path) {
  return open_file(full(path), 0, "open");
}

base::Result<std::vector<std::string>> PosixDisk::list(const std::string& dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator i(full(dir), error), end; !error && i != end; i.increment(error))
    names.push_back(i->path().filename().string());
  if (error) return failed(full(dir), "list", error.value());
  std::sort(names.begin(), names.end());
  return names;
}

base::Status PosixDisk::make_dir(const std::string& dir) {
  const fs::path path = full(dir);
  return make_directory(path.has_filename() ? path : path.parent_path());
}

base::Status PosixDisk::rename(const std::string& from, const std::string& to) {
  if (::rename(full(from).c_str(), full(to).c_str()) != 0)
    return failed(full(from), "rename", errno);
  return {};
}

base::Status PosixDisk::remove(const std::string& path) {
  if (::unlink(full(path).c_str()) != 0) return failed(full(path), "remove", errno);
  return {};
}

base::Status PosixDisk::sync_dir(const std::string& dir) { return sync_directory(full(dir)); }

}  // namespace io

#include "io/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace io {
namespace {

base::Error failed(const std::string& directory, const std::string& why) {
  return {base::Code::kIo, "data directory " + directory + ": " + why, "data"};
}

std::string owner_of(int fd) {
  std::array<char, 32> text;
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  std::string pid(text.data(), size > 0 ? static_cast<size_t>(size) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid;
}

}  // namespace

base::Result<FileLock> FileLock::take(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return failed(directory, error.message());
  const std::string path = directory + "/LOCK";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return failed(directory, "LOCK: " + std::generic_category().message(errno));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return failed(directory, "LOCK: " + std::generic_category().message(errno));
    }
    const std::string pid = owner_of(fd.get());
    return failed(directory, "in use by process " + (pid.empty() ? "(unknown)" : pid));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  const bool written =
      ::ftruncate(fd.get(), 0) == 0 &&
      ::pwrite(fd.get(), pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
  if (!written) return failed(directory, "LOCK: " + std::generic_category().message(errno));
  return FileLock(std::move(fd));
}

}  // namespace io

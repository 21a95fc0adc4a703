#include "io/file_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "io/log.h"

namespace io {
namespace {

constexpr uint32_t kHints =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_ONLYDIR;

}  // namespace

FileWatch::FileWatch(std::vector<std::string> paths)
    : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  follow(std::move(paths));
}

void FileWatch::follow(std::vector<std::string> paths) {
  paths_ = std::move(paths);
  watch_directories();
  seen_.clear();
  for (const std::string& path : paths_) seen_.push_back(look(path));
}

FileWatch::Look FileWatch::look(const std::string& path) {
  struct stat now {};
  if (::stat(path.c_str(), &now) != 0) return {};
  return {now.st_dev, now.st_ino, int64_t{now.st_mtim.tv_sec} * 1'000'000'000 + now.st_mtim.tv_nsec,
          now.st_size};
}

// Adding a directory that is watched already changes nothing, so all are added each time: what a
// link leads to may have moved.
void FileWatch::watch_directories() {
  if (!inotify_) return;
  for (const std::string& path : paths_) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) watch(path);
    watch(std::filesystem::path(path).parent_path());
    const std::filesystem::path real = std::filesystem::canonical(path, error);
    if (!error) watch(real.parent_path());
  }
}

void FileWatch::watch(const std::string& directory) {
  const std::string name = directory.empty() ? "." : directory;
  if (::inotify_add_watch(inotify_.get(), name.c_str(), kHints) >= 0) {
    unwatched_.erase(name);
    return;
  }
  const int reason = errno;
  if (!unwatched_.insert(name).second) return;
  log(Level::kWarning, "directory is not watched",
      {{"directory", name}, {"reason", std::strerror(reason)}});
}

void FileWatch::take_hints() {
  alignas(inotify_event) std::array<char, 4096> hints;
  while (::read(inotify_.get(), hints.data(), hints.size()) > 0) {
  }
}

bool FileWatch::changed() {
  watch_directories();
  bool any = false;
  for (size_t i = 0; i < paths_.size(); ++i) {
    const Look now = look(paths_[i]);
    any = any || now != seen_[i];
    seen_[i] = now;
  }
  return any;
}

}  // namespace io

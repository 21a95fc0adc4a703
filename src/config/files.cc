#include "config/files.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "config/yaml.h"

namespace config {
namespace {

base::Error cannot_read(int error) {
  return {base::Code::kIo, "cannot read: " + std::generic_category().message(error), {}};
}

struct File {
  int descriptor = -1;
  ~File() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

struct Glob {
  glob_t matches{};
  ~Glob() { ::globfree(&matches); }
};

}  // namespace

base::Result<std::string> read_file(const std::string& path) {
  // A pipe without a writer would stop the start; a directory says so when it is read.
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.descriptor < 0) return cannot_read(errno);
  std::string text;
  std::string part(64 * 1024, '\0');
  for (;;) {
    const ssize_t got = ::read(file.descriptor, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_read(errno);
    if (got == 0) return text;
    text.append(part, 0, static_cast<size_t>(got));
    if (text.size() > yaml::kFileBytesMax) return base::invalid("the file is over 16 MiB");
  }
}

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

base::Result<std::vector<std::string>> expand(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == pattern.npos) {
    if (!exists(pattern)) return cannot_read(ENOENT);
    return std::vector<std::string>{pattern};
  }
  Glob glob;
  // A folder that is not there matches nothing; one that may not be read is a problem.
  const auto stops = [](const char*, int error) {
    return int{error != ENOENT && error != ENOTDIR};
  };
  const int outcome = ::glob(pattern.c_str(), 0, stops, &glob.matches);
  if (outcome == GLOB_NOMATCH) return std::vector<std::string>{};
  if (outcome != 0) return cannot_read(errno == 0 ? EIO : errno);
  if (glob.matches.gl_pathc > kLimitFilesMax) {
    return base::invalid("matches more than " + std::to_string(kLimitFilesMax) + " files");
  }
  return std::vector<std::string>(glob.matches.gl_pathv,
                                  glob.matches.gl_pathv + glob.matches.gl_pathc);
}

std::string directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

std::string relative_to(const std::string& directory, const std::string& path) {
  if (directory.empty() || directory == "." || path.starts_with('/')) return path;
  return (std::filesystem::path(directory) / path).string();
}

}  // namespace config

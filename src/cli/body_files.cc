#include "cli/body_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace cli {
namespace {

constexpr size_t kNameBytesMax = 120;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

}  // namespace

base::Result<std::unique_ptr<BodyFiles>> BodyFiles::open(const std::string& dir) {
  ::mkdir(dir.c_str(), 0777);
  io::Fd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return base::Error{base::Code::kIo, dir + ": " + std::strerror(errno), "out"};
  return std::unique_ptr<BodyFiles>(new BodyFiles(dir, std::move(fd)));
}

std::string BodyFiles::name_of(uint64_t index, std::string_view url) {
  char number[24];
  std::snprintf(number, sizeof number, "%08llu-", static_cast<unsigned long long>(index));
  std::string name = number;
  const size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("?#"));  // What stands there may be a secret.
  while (url.ends_with('/')) url.remove_suffix(1);
  for (const char c : url.substr(0, kNameBytesMax)) name += is_plain(c) ? c : '_';
  return name;
}

void BodyFiles::begin(uint64_t index, std::string_view url) {
  Body& body = bodies_[index];
  if (body.name.empty()) body.name = name_of(index, url);
  if (body.fd && ::ftruncate(body.fd.get(), 0) == 0) ::lseek(body.fd.get(), 0, SEEK_SET);
}

bool BodyFiles::create(Body& body) {
  body.fd = io::Fd(::openat(fd_.get(), body.name.c_str(),
                            O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!body.fd) body.error = body.name + ": " + std::strerror(errno);
  return static_cast<bool>(body.fd);
}

bool BodyFiles::add(uint64_t index, std::string_view bytes) {
  const auto found = bodies_.find(index);
  if (found == bodies_.end()) return false;
  Body& body = found->second;
  if (!body.fd && !create(body)) return false;
  while (!bytes.empty()) {
    const ssize_t put = ::write(body.fd.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      body.error = body.name + ": " + std::strerror(errno);
      return false;
    }
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

BodyFiles::Outcome BodyFiles::end(uint64_t index, bool keep) {
  Outcome out;
  const auto found = bodies_.find(index);
  if (found == bodies_.end()) return out;
  Body body = std::move(found->second);
  bodies_.erase(found);
  if (keep && !body.fd && body.error.empty()) create(body);  // An empty body is one too.
  out.error = body.error;
  if (!body.fd) return out;
  if (keep && out.error.empty()) {
    out.file = dir_ + "/" + body.name;
  } else {
    ::unlinkat(fd_.get(), body.name.c_str(), 0);
  }
  return out;
}

}  // namespace cli

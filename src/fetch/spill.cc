#include "fetch/spill.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace fetch {
namespace {

struct Spilled {
  uint64_t index;
  uint32_t bytes;
  uint32_t zero;
};

std::string default_dir() {
  const char* const named = std::getenv("TMPDIR");
  return named != nullptr && *named != '\0' ? named : "/var/tmp";
}

}  // namespace

Spill::Spill(Bounds bounds, std::string dir)
    : bounds_(bounds), dir_(dir.empty() ? default_dir() : std::move(dir)) {}

base::Status Spill::make_file() {
  std::string name = dir_ + "/ratelimmq-XXXXXX";
  file_ = io::Fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!file_) {
    failed_ = true;
    return base::Error{base::Code::kIo, dir_ + ": " + std::strerror(errno), {}};
  }
  ::unlink(name.c_str());
  return {};
}

bool Spill::has_room(const Lines& lines) const {
  if (failed_ || (lines.empty() && hosts_ >= bounds_.hosts_max)) return false;
  return !free_.empty() || file_bytes() < bounds_.file_bytes_max;
}

base::Status Spill::add(Lines& lines, uint64_t index, std::string_view text) {
  if (lines.empty()) ++hosts_;
  ++lines.count_;
  const Spilled head{index, static_cast<uint32_t>(text.size()), 0};
  lines.tail_.append(reinterpret_cast<const char*>(&head), sizeof head);
  lines.tail_.append(text);
  while (lines.tail_.size() >= kBlockBytes) {
    if (const base::Status written = write_block(lines); !written) return written;
  }
  return {};
}

// A tail that cannot be written stays in memory: nothing is lost, and nothing more is taken.
base::Status Spill::write_block(Lines& lines) {
  if (!file_) {
    if (const base::Status made = make_file(); !made) return made;
  }
  const bool again = !free_.empty();
  const uint32_t block = again ? free_.back() : blocks_;
  const off_t offset = static_cast<off_t>(block) * static_cast<off_t>(kBlockBytes);
  if (::pwrite(file_.get(), lines.tail_.data(), kBlockBytes, offset) !=
      static_cast<ssize_t>(kBlockBytes)) {
    failed_ = true;
    return base::Error{base::Code::kIo, dir_ + ": " + std::strerror(errno), {}};
  }
  if (again) {
    free_.pop_back();
  } else {
    ++blocks_;
  }
  lines.blocks_.push_back(block);
  lines.tail_.erase(0, kBlockBytes);
  return {};
}

base::Status Spill::read_block(Lines& lines) {
  lines.at_ = 0;
  if (lines.blocks_.empty()) {
    lines.head_ = std::exchange(lines.tail_, {});
    return {};
  }
  const uint32_t block = lines.blocks_.front();
  lines.head_.resize(kBlockBytes);
  const off_t offset = static_cast<off_t>(block) * static_cast<off_t>(kBlockBytes);
  if (::pread(file_.get(), lines.head_.data(), kBlockBytes, offset) !=
      static_cast<ssize_t>(kBlockBytes)) {
    return base::Error{base::Code::kIo, dir_ + ": a spilled block cannot be read back", {}};
  }
  lines.blocks_.pop_front();
  free_.push_back(block);
  return {};
}

base::Status Spill::copy(Lines& lines, char* to, size_t bytes) {
  while (bytes > 0) {
    if (lines.at_ == lines.head_.size()) {
      if (const base::Status read = read_block(lines); !read) return read;
      CHECK(!lines.head_.empty());
    }
    const size_t some = std::min(bytes, lines.head_.size() - lines.at_);
    std::memcpy(to, lines.head_.data() + lines.at_, some);
    lines.at_ += some;
    to += some;
    bytes -= some;
  }
  return {};
}

base::Result<Spill::Line> Spill::take(Lines& lines) {
  CHECK(!lines.empty());
  Spilled head{};
  if (const base::Status read = copy(lines, reinterpret_cast<char*>(&head), sizeof head); !read)
    return read.error();
  Line line{head.index, std::string(head.bytes, '\0')};
  if (const base::Status read = copy(lines, line.text.data(), line.text.size()); !read)
    return read.error();
  if (--lines.count_ == 0) {
    --hosts_;
    lines = {};
  }
  return line;
}

}  // namespace fetch

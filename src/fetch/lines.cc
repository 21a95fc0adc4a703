#include "fetch/lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace fetch {
namespace {

constexpr size_t kBlockBytes = size_t{64} << 10;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

}  // namespace

Lines::Lines(io::Poll& poll, std::vector<std::string> first, io::Fd fd)
    : poll_(poll), first_(std::move(first)), fd_(std::move(fd)) {
  if (!fd_) {
    ended_ = true;
    return;
  }
  watched_ = poll_.add(fd_.get(), 0, *this);
}

Lines::~Lines() {
  if (watched_) poll_.remove(fd_.get(), *this);
}

base::Result<io::Fd> Lines::open(const std::string& name) {
  io::Fd fd(name == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                        : ::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return base::Error{base::Code::kIo, name + ": " + std::strerror(errno), "file"};
  return fd;
}

void Lines::on_ready(uint8_t) {
  told_ = true;
  poll_.remove(fd_.get(), *this);  // A pipe whose writer has gone would be told again and again.
  watched_ = false;
  if (more) more();
}

void Lines::read() {
  buffer_.erase(0, std::exchange(begin_, 0));
  const size_t had = buffer_.size();
  buffer_.resize(had + kBlockBytes);
  const ssize_t got = ::read(fd_.get(), buffer_.data() + had, kBlockBytes);
  buffer_.resize(had + static_cast<size_t>(std::max<ssize_t>(0, got)));
  told_ = false;
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got < 0) error_ = std::string("the input cannot be read: ") + std::strerror(errno);
  if (got <= 0) ended_ = true;
}

// The next line of the buffer; at the end of the input what is left is one.
bool Lines::cut(std::string_view& line, bool& too_long) {
  const std::string_view left = std::string_view(buffer_).substr(begin_);
  const size_t end = left.find('\n');
  too_long = false;
  if (end == std::string_view::npos) {
    if (left.size() > 2 * kUrlBytesMax && !skipping_) {
      skipping_ = too_long = true;
      line = left.substr(0, kUrlBytesMax);
      begin_ = buffer_.size();
      ++number_;
      return true;
    }
    if (skipping_) {
      begin_ = buffer_.size();
      return false;
    }
    if (!ended_ || left.empty()) return false;
  }
  line = left.substr(0, end);
  begin_ += std::min(left.size(), line.size() + 1);
  if (std::exchange(skipping_, false)) return cut(line, too_long);
  if (++number_ == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  line = trimmed(line);
  too_long = line.size() > kUrlBytesMax;
  line = line.substr(0, kUrlBytesMax);
  return true;
}

Lines::Got Lines::next(Line& line) {
  if (at_ < first_.size()) {
    const std::string_view text = first_[at_++];
    line = {at_, text.substr(0, kUrlBytesMax), text.size() > kUrlBytesMax};
    return Got::kLine;
  }
  for (;;) {
    std::string_view text;
    bool too_long = false;
    while (cut(text, too_long)) {
      if (text.empty() || text.front() == '#') continue;
      line = {first_.size() + number_, text, too_long};
      return Got::kLine;
    }
    if (ended_) return Got::kEnd;
    if (watched_ && !told_) {
      poll_.change(fd_.get(), io::kReadable, *this);
      return Got::kLater;
    }
    read();
    if (!watched_ && !ended_) watched_ = poll_.add(fd_.get(), 0, *this);
  }
}

}  // namespace fetch

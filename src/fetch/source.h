// Where the URLs of a pool come from.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace fetch {

// Thread: the pool's loop's.
class Source {
 public:
  static constexpr size_t kUrlBytesMax = 8192;

  struct Line {
    uint64_t index = 0;     // Comes back with the result.
    std::string_view text;  // Valid until the next call. Longer than kUrlBytesMax: only its start.
    bool too_long = false;
  };
  enum class Got : uint8_t {
    kLine,
    kLater,  // `more` will be called, from the loop.
    kEnd
  };
  virtual ~Source() = default;
  virtual Got next(Line& line) = 0;
  // What ended it early: a file that cannot be read. Empty: nothing.
  virtual std::string error() const { return {}; }

  std::function<void()> more;  // Set by who reads.
};

// URLs in memory; they outlive it. The index is their place.
class UrlsInMemory final : public Source {
 public:
  explicit UrlsInMemory(std::span<const std::string> urls) : urls_(urls) {}
  Got next(Line& line) override {
    if (at_ == urls_.size()) return Got::kEnd;
    const std::string_view text = urls_[at_];
    line = {at_++, text.substr(0, kUrlBytesMax), text.size() > kUrlBytesMax};
    return Got::kLine;
  }

 private:
  std::span<const std::string> urls_;
  size_t at_ = 0;
};

}  // namespace fetch

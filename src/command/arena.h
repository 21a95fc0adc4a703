// What requests under way look at: copies of words and arrays of plain values, given back together.
#pragma once
#include <cstddef>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <span>
#include <string_view>
#include <type_traits>

namespace command {

class Arena {
 public:
  explicit Arena(size_t room)
      : room_(std::make_unique_for_overwrite<std::byte[]>(room)), memory_(room_.get(), room) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    bytes_ += text.size();
    char* const copy = static_cast<char*>(memory_.allocate(text.size(), 1));
    std::memcpy(copy, text.data(), text.size());
    return {copy, text.size()};
  }

  template <typename T>
  std::span<T> array(size_t n) {
    static_assert(std::is_trivially_destructible_v<T>);
    auto* const first = static_cast<T*>(memory_.allocate(n * sizeof(T), alignof(T)));
    std::uninitialized_value_construct_n(first, n);
    return {first, n};
  }

  std::pmr::memory_resource& memory() { return memory_; }
  size_t bytes() const { return bytes_; }  // Of texts.
  void clear() {
    memory_.release();
    bytes_ = 0;
  }

 private:
  std::unique_ptr<std::byte[]> room_;
  std::pmr::monotonic_buffer_resource memory_;
  size_t bytes_ = 0;
};

}  // namespace command

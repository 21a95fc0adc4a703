// A range of addresses that is reserved whole and becomes memory page by page, when it is first
// written. What lives in it never moves; pages that are given back read as zero again.
#pragma once
#include <cstddef>

namespace limiter {

class Region {
 public:
  static constexpr size_t kPageBytes = 4096;

  // Reserves `bytes`, or the largest half, quarter, … that the system lets us have.
  explicit Region(size_t bytes);
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  std::byte* begin() const { return begin_; }
  size_t bytes() const { return bytes_; }

  // REQUIRES: whole pages.
  static void give_back(std::byte* from, size_t bytes);

 private:
  std::byte* begin_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace limiter

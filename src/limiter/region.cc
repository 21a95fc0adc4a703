#include "limiter/region.h"

#include <sys/mman.h>

#include "base/check.h"

namespace limiter {

Region::Region(size_t bytes) : bytes_((bytes + kPageBytes - 1) / kPageBytes * kPageBytes) {
  for (; bytes_ >= kPageBytes; bytes_ = bytes_ / 2 / kPageBytes * kPageBytes) {
    void* const at = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) continue;
    begin_ = static_cast<std::byte*>(at);
    // Zeroing a huge page takes milliseconds here at times; a small one a microsecond or two.
    madvise(begin_, bytes_, MADV_NOHUGEPAGE);
    return;
  }
  CHECK(begin_ != nullptr);
}

Region::~Region() { munmap(begin_, bytes_); }

void Region::give_back(std::byte* from, size_t bytes) {
  CHECK(madvise(from, bytes, MADV_DONTNEED) == 0);
}

}  // namespace limiter

// Where a message's record is: in the log, or (queues of kMemory) in memory; and how many live
// bytes each segment of the log holds.
#pragma once
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "queue/queue.h"
#include "wal/wal.h"

namespace engine {

using Place = queue::Place;

inline constexpr Place kInMemory = Place{1} << 63;  // The rest is the address of a Blob.
static_assert(sizeof(void*) <= 8);

constexpr bool in_memory(Place place) { return (place & kInMemory) != 0; }

constexpr Place place_of(wal::Position position) {  // Segments stay below 2^31.
  return Place{position.segment} << 32 | position.offset;
}
constexpr wal::Position position_of(Place place) {
  return {static_cast<uint32_t>(place >> 32), static_cast<uint32_t>(place)};
}

// A record's body on the heap: its length, then its bytes.
inline Place blob_of(std::string_view head, std::string_view body) {
  const uint64_t size = head.size() + body.size();
  char* blob = new char[sizeof size + size];
  std::memcpy(blob, &size, sizeof size);
  std::memcpy(blob + sizeof size, head.data(), head.size());
  if (!body.empty()) std::memcpy(blob + sizeof size + head.size(), body.data(), body.size());
  return reinterpret_cast<uint64_t>(blob) | kInMemory;
}
inline std::string_view blob_at(Place place) {
  const char* blob = reinterpret_cast<const char*>(place & ~kInMemory);
  uint64_t size = 0;
  std::memcpy(&size, blob, sizeof size);
  return {blob + sizeof size, size};
}
inline void free_blob(Place place) { delete[] reinterpret_cast<char*>(place & ~kInMemory); }

class SegmentBytes {
 public:
  void add(uint32_t segment, int64_t bytes) {
    if (segment >= bytes_.size()) bytes_.resize(segment + 1 + segment / 8);
    bytes_[segment] += bytes;
  }
  int64_t of(uint32_t segment) const { return segment < bytes_.size() ? bytes_[segment] : 0; }

 private:
  std::vector<int64_t> bytes_;  // 8 bytes a segment ever begun: 64 MiB each.
};

}  // namespace engine

// DATA/meta: what never changes in a data directory. Written once, when the directory is new.
//
//   ratelimmq data 1
//   shards 4
//   seed 5f1d7c0b9a3e2468
//   check 0123456789abcdef      of the bytes before this line (XXH3)
//
// The number of shards says where each queue lives, the seed how keys of durable limits and ids of
// deduplication are hashed; with others nothing of what is stored could be found again.
#pragma once
#include <cstdint>
#include <string>

#include "base/disk.h"
#include "base/result.h"

namespace server {

struct Meta {
  uint32_t shards = 1;
  uint64_t seed = 0;
  friend bool operator==(const Meta&, const Meta&) = default;
};

inline constexpr uint32_t kShardsMax = 64;  // A watcher's number fits (limiter/limiter.h).

std::string write_meta(const Meta& meta);
// kIo: damaged, or "written by a newer version: …".
base::Result<Meta> read_meta(std::string_view text);

// What the directory says; `fresh` is written there, and synced, if it says nothing yet.
// `wanted`: the number of shards that somebody asks for; kInvalid ("shards") if the directory has
// another. 0: any.
base::Result<Meta> open_meta(base::Disk& disk, const Meta& fresh, uint32_t wanted);

}  // namespace server

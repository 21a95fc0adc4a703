// SHA-256, and many rounds of it on threads of their own.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gateway {

using Digest = std::array<uint8_t, 32>;

Digest sha256(std::string_view bytes);
std::string hex(const Digest& digest);                     // 64 digits, lower case.
std::optional<Digest> parse_digest(std::string_view hex);  // Nothing: not 64 hexadecimal digits.

// Computes digests, one a thread at a time, in the order in which they were asked for. The threads
// yield to those that serve (nice 10), and are made when they are needed.
//
// Thread: any.
class HashThreads {
 public:
  struct Options {
    uint32_t rounds = 1;     // In all; at least 1. The first one is the asker's.
    unsigned threads = 0;    // 0: one a core.
    size_t waiting_max = 0;  // That wait for a thread.
  };
  explicit HashThreads(Options options);
  ~HashThreads();  // What waits or is being computed is dropped; its `done` is not called.
  HashThreads(const HashThreads&) = delete;
  HashThreads& operator=(const HashThreads&) = delete;

  // `done` is called on a computing thread. kFull: waiting_max wait.
  using Done = std::function<void(const Digest& hash)>;
  base::Status compute(const Digest& first, Done done);
  size_t waiting() const;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace gateway

// Where all threads of the process get their hashes: the memory cache, one computation of a key for
// all who ask for it meanwhile, and the threads that compute.
//
//   find(), ask() ─► kHit: there it is
//             ├► kFirst: the asker looks into the store, then found() or compute()
//             └► kJoined: somebody is at it
//   `told` of the first and of all who joined ◄─ found(), or the computation's end, or its refusal
//
// Thread: any. `told` is called on the asker's loop, never from inside.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "base/time.h"
#include "gateway/hash.h"
#include "gateway/options.h"

namespace io {
class Loop;
}

namespace gateway {

class HashShop {
 public:
  HashShop(const ComputeHash& options, uint64_t seed, const base::Clock& clock);
  ~HashShop();

  struct Made {
    Digest hash{};
    bool cached = false;  // It was there already.
    bool first = false;   // It was computed for this asker, who may tell the store.
  };
  // kFull: too many computations wait.
  using Told = std::function<void(const base::Result<Made>& made)>;
  // Whose loop it is, and who: leave() drops all that the same `who` has asked for.
  struct Asker {
    io::Loop* loop;
    const void* who;
  };
  std::optional<Digest> find(const Digest& key, base::Time now);  // In the memory cache.
  enum class Found : uint8_t { kHit, kJoined, kFirst };
  struct Asked {
    Found found;
    Digest hash{};  // kHit.
  };
  Asked ask(const Digest& key, base::Time now, const Asker& asker, Told told);

  // REQUIRES, both: ask() said kFirst of the key, and neither was called since.
  void found(const Digest& key, const Digest& hash, base::Time until);
  void compute(const Digest& key);

  // After it nothing more is posted to the loops of `who`; what it was to look up is computed for
  // those who joined.
  void leave(const void* who);

  size_t cached() const;   // Entries of the memory cache.
  size_t waiting() const;  // Computations that wait for a thread.

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace gateway

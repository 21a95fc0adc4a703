#include "gateway/hash_shop.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "gateway/hash_cache.h"
#include "io/loop.h"

namespace gateway {
namespace {

// A key is a digest: nobody can make many that meet in all of its first bytes.
struct FirstBytes {
  size_t operator()(const Digest& key) const {
    size_t out;
    std::memcpy(&out, key.data(), sizeof out);
    return out;
  }
};

}  // namespace

struct HashShop::Body {
  struct Waiter {
    Asker asker;
    Told told;
  };
  struct Flight {
    const void* looks = nullptr;  // Who looks into the store; null: it is being computed.
    std::vector<Waiter> waiters;
  };

  Body(const ComputeHash& options, uint64_t seed, const base::Clock& told_clock)
      : ttl(options.cache_ttl),
        clock(told_clock),
        cache(options.cache_entries, seed),
        threads({.rounds = options.rounds,
                 .threads = options.threads,
                 .waiting_max = options.waiting_max}) {}

  void land(const Digest& key, base::Result<Made> made) REQUIRES_LOCK(mutex);
  void compute(const Digest& key) REQUIRES_LOCK(mutex);

  const base::Duration ttl;
  const base::Clock& clock;
  mutable base::Mutex mutex;
  HashCache cache GUARDED_BY(mutex);
  std::unordered_map<Digest, Flight, FirstBytes> flights GUARDED_BY(mutex);
  HashThreads threads;  // Last: they are joined before what they use goes.
};

// Posted under the lock: whoever has left is posted nothing.
void HashShop::Body::land(const Digest& key, base::Result<Made> made) {
  const auto flight = flights.find(key);
  if (flight == flights.end()) return;
  for (Waiter& each : flight->second.waiters) {
    each.asker.loop->post([told = std::move(each.told), made] { told(made); });
    if (made) made->first = false;
  }
  flights.erase(flight);
}

void HashShop::Body::compute(const Digest& key) {
  const auto done = [this, key](const Digest& hash) {
    const base::Time until = clock.now() + ttl;
    const base::Guard guard(mutex);
    cache.put(key, hash, until);
    land(key, Made{.hash = hash, .first = true});
  };
  if (const base::Status status = threads.compute(key, done); !status) land(key, status.error());
}

HashShop::HashShop(const ComputeHash& options, uint64_t seed, const base::Clock& clock)
    : body_(std::make_unique<Body>(options, seed, clock)) {}
HashShop::~HashShop() = default;

std::optional<Digest> HashShop::find(const Digest& key, base::Time now) {
  const base::Guard guard(body_->mutex);
  return body_->cache.find(key, now);
}

HashShop::Asked HashShop::ask(const Digest& key, base::Time now, const Asker& asker, Told told) {
  const base::Guard guard(body_->mutex);
  if (const std::optional<Digest> hash = body_->cache.find(key, now)) return {Found::kHit, *hash};
  const auto [flight, first] = body_->flights.try_emplace(key);
  if (first) flight->second.looks = asker.who;
  flight->second.waiters.push_back({asker, std::move(told)});
  return {first ? Found::kFirst : Found::kJoined};
}

void HashShop::found(const Digest& key, const Digest& hash, base::Time until) {
  const base::Guard guard(body_->mutex);
  if (until > body_->clock.now()) body_->cache.put(key, hash, until);
  body_->land(key, Made{.hash = hash, .cached = true});
}

void HashShop::compute(const Digest& key) {
  const base::Guard guard(body_->mutex);
  const auto flight = body_->flights.find(key);
  if (flight == body_->flights.end()) return;
  flight->second.looks = nullptr;
  body_->compute(key);
}

void HashShop::leave(const void* who) {
  const base::Guard guard(body_->mutex);
  std::vector<Digest> orphans;
  for (auto& [key, flight] : body_->flights) {
    std::erase_if(flight.waiters, [who](const Body::Waiter& w) { return w.asker.who == who; });
    if (std::exchange(flight.looks, flight.looks == who ? nullptr : flight.looks) == who) {
      orphans.push_back(key);
    }
  }
  for (const Digest& key : orphans) body_->compute(key);
}

size_t HashShop::cached() const {
  const base::Guard guard(body_->mutex);
  return body_->cache.size();
}

size_t HashShop::waiting() const { return body_->threads.waiting(); }

}  // namespace gateway

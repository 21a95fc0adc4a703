// Limits that live in two places behind one door: those of what this process does itself, towards
// its clients (domain `server`) and towards hosts (`outbound`: descriptors that begin with what a
// push is charged with), in its memory; all others in a store.
//
// Thread: its loop's.
#pragma once
#include "base/clock.h"
#include "io/loop.h"
#include "limiter/decider.h"
#include "server/local_decider.h"

namespace server {

// Are limits of what this process does itself met by a descriptor of `domain` that begins with
// `key`? They are never shared.
bool own_limits(std::string_view domain, std::string_view key);
// Only such limits.
bool own_limits(std::string_view domain, std::span<const limiter::Descriptor> descriptors);

class DividedDecider final : public limiter::Decider {
 public:
  // All outlive it.
  DividedDecider(io::Loop& loop, limiter::Limiter& here, const base::Clock& clock,
                 limiter::Decider& elsewhere);

  void decide(std::span<const limiter::Ask> asks, Decided done) override;
  void reserve(const limiter::Ask& ask, base::Duration ttl, Opened done) override;
  void acquire(const limiter::Ask& ask, base::Duration ttl, Opened done) override;
  void why(std::string_view domain, std::span<const limiter::Descriptor> descriptors,
           Explained done) override;
  void block(std::string_view domain, limiter::Descriptor descriptor, base::Duration span,
             Ended done) override;
  void forget(std::string_view domain, limiter::Descriptor descriptor, Ended done) override;
  // An id does not tell whose it is: one that is not open here is of elsewhere.
  void commit(std::string_view id, std::optional<int64_t> cost, Committed done) override;
  void cancel(std::string_view id, Ended done) override;
  void renew(std::string_view id, base::Duration ttl, Ended done) override;
  void release(std::string_view id, Ended done) override;

 private:
  struct Mixed;  // The asks of one decide(), those of here decided.

  limiter::Decider& of(std::string_view domain, std::span<const limiter::Descriptor> descriptors);
  template <typename Result, typename Done>
  bool answered_here(Result result, Done& done);  // False: not open here.

  io::Loop& loop_;
  limiter::Limiter& here_;
  const base::Clock& clock_;
  limiter::Decider& elsewhere_;
  LocalDecider local_;
};

}  // namespace server

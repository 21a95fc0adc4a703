// The limits of this process behind the door of limits elsewhere: for the gateway of `serve`, which
// asks them with no network hop.
//
// Asks of one round of the loop are decided together, as a session's are.
//
// Thread: its loop's.
#pragma once
#include <memory>
#include <vector>

#include "base/clock.h"
#include "io/loop.h"
#include "limiter/decider.h"

namespace server {

class LocalDecider final : public limiter::Decider {
 public:
  // All outlive it.
  LocalDecider(io::Loop& loop, limiter::Limiter& limiter, const base::Clock& clock);
  ~LocalDecider() override;

  void decide(std::span<const limiter::Ask> asks, Decided done) override;
  void reserve(const limiter::Ask& ask, base::Duration ttl, Opened done) override;
  void commit(std::string_view id, std::optional<int64_t> cost, Committed done) override;
  void cancel(std::string_view id, Ended done) override;
  void acquire(const limiter::Ask& ask, base::Duration ttl, Opened done) override;
  void renew(std::string_view id, base::Duration ttl, Ended done) override;
  void release(std::string_view id, Ended done) override;
  void why(std::string_view domain, std::span<const limiter::Descriptor> descriptors,
           Explained done) override;
  void block(std::string_view domain, limiter::Descriptor descriptor, base::Duration span,
             Ended done) override;
  void forget(std::string_view domain, limiter::Descriptor descriptor, Ended done) override;

 private:
  struct Decision;  // The asks of one decide(), decided.
  template <typename Result, typename Done>
  void answer(Result result, Done done);

  io::Loop& loop_;
  limiter::Limiter& limiter_;
  const base::Clock& clock_;
  std::vector<std::unique_ptr<Decision>> unused_;
};

}  // namespace server

// The door to limits that are decided elsewhere: in a store that many processes share
// (store/store.h). The same words as Limiter's, but the answer comes later. (A gateway that asks an
// instance at the other end of a connection only decides, and hands on the fields of its answer:
// gateway/remote.h.)
//
// Every call ends once, never from inside itself, within the implementation's own deadline: with
// the elsewhere gone or slow a decision is made here, and `decided_by` says how. Views in asks must
// live until the call returns; views in answers live until `done` returns.
//
// Thread: its loop's.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "limiter/limiter.h"

namespace limiter {

class Decider {
 public:
  virtual ~Decider() = default;

  using Decided = std::function<void(std::span<const Answer>)>;  // One for each ask, in order.
  using Opened = std::function<void(base::Result<Limiter::Opened>&&)>;
  using Committed = std::function<void(base::Result<int64_t>&&)>;  // Units charged in all.
  using Ended = std::function<void(base::Status&&)>;
  using Explained = std::function<void(base::Result<Limiter::Why>&&)>;

  // Each ask on its own, in order. An ask whose limits say `refuse` while their store is gone is
  // answered allowed = false, decided_by = kRefuse.
  virtual void decide(std::span<const Ask> asks, Decided done) = 0;
  // As Limiter's functions of the same names. kIo: the store is gone; kUnknown: it may have
  // happened.
  virtual void reserve(const Ask& ask, base::Duration ttl, Opened done) = 0;
  virtual void commit(std::string_view id, std::optional<int64_t> cost, Committed done) = 0;
  virtual void cancel(std::string_view id, Ended done) = 0;
  virtual void acquire(const Ask& ask, base::Duration ttl, Opened done) = 0;
  virtual void renew(std::string_view id, base::Duration ttl, Ended done) = 0;
  virtual void release(std::string_view id, Ended done) = 0;
  virtual void why(std::string_view domain, std::span<const Descriptor> descriptors,
                   Explained done) = 0;
  virtual void block(std::string_view domain, Descriptor descriptor, base::Duration span,
                     Ended done) = 0;  // 0 ends a block.
  virtual void forget(std::string_view domain, Descriptor descriptor, Ended done) = 0;
};

}  // namespace limiter

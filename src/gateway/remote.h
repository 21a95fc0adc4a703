// Asks registered limiter instances.
//
//   decide() ─► Registry::choose ─► that instance's line (instance_line.h) ─► its decision
//                                      │ failed: the registry is told, and
//                                      └ with Choose::kRandom, if nothing can have been charged and
//                                        half of the deadline is left: one further instance
//
// What is asked in one round of the loop is one list for one instance, up to
// InstanceLine::kAsksMax; the next round chooses anew. Apart from them go an ask that tries an
// ejected instance, alone, and with Choose::kRendezvous all: there the key chooses.
//
// An instance is called only at loopback and in trusted_networks; the address that is connected to
// is judged, not a name.
//
// Thread: its loop's.
#pragma once
#include <functional>
#include <memory>

#include "base/clock.h"
#include "gateway/decision.h"
#include "gateway/options.h"
#include "gateway/registry.h"
#include "http/address_guard.h"
#include "limiter/limiter.h"

namespace io {
class Loop;
}

namespace gateway {

class Remote {
 public:
  // All outlive it.
  Remote(io::Loop& loop, const Options& options, Registry& registry, const base::Clock& clock);
  ~Remote();  // What is being asked is dropped; its `done` is not called.

  // `done` is called once, never from inside, at the latest some milliseconds after
  // options.deadline. The views in `ask` must live until it returns.
  using Done = std::function<void(Decision&&)>;
  void decide(const limiter::Ask& ask, Done done);

 private:
  struct Body;
  std::shared_ptr<Body> body_;  // Shared with what the loop still has to call.
};

// Guards the way to instances: loopback and `trusted_networks`. kInvalid ("allow").
base::Result<http::AddressGuard> instance_guard(const Options& options);

}  // namespace gateway

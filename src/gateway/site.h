// What the gateway answers by itself, and what stands before each route: the limit step.
//
//   on_request ─► own endpoint? ─────────────────────────────────► answer
//              └► route ─► decide? ─► Decider (in this process, or an instance's over HTTP)
//                            │ allowed ─► /compute_hash, or Exchange::pass() to the upstream
//                            │ refused ─► 429, RateLimit, RateLimit-Policy, Retry-After
//                            └ nobody answered in time ─► when_none: 503, or on
//
// Whoever is let on, or refused, by something else than the limits is told: `X-Decided-By:
// when_none | allow | local` beside what the route answers, and `reason` in the 503's problem
// document ("deadline", "no_instance", "store_refuse", …; gateway/decision.h).
//
// The registry's own endpoints, GET /rate_limiters included, are for those who may register
// (gateway/registration.h). /compute_hash takes bodies up to 1 MiB, or less if its route says so.
//
// Thread: its loop's; one a thread, all of them share one Common.
#pragma once
#include <memory>
#include <optional>

#include "base/clock.h"
#include "gateway/options.h"
#include "gateway/registry.h"
#include "limiter/decider.h"
#include "metric/metric.h"
#include "proxy/exchange.h"
#include "redis/redis.h"

namespace io {
class Loop;
}

namespace gateway {

class Site final : public proxy::Application {
 public:
  // What the sites of one process share: registry, hash cache, threads that compute, metrics.
  class Common {
   public:
    // `store`: the Redis behind the hash cache; nothing: the memory cache alone.
    Common(const Options& options, const base::Clock& clock, std::optional<redis::Options> store);
    ~Common();
    Registry& registry();
    void tick(base::Time now);
    void collect(metric::Families& families) const;

   private:
    friend class Site;
    struct Body;
    std::unique_ptr<Body> body_;
  };

  // `local`: the limits of this process, asked with no network hop; null: registered instances are
  // asked. kInvalid: a route's template or CIDR is no good (config/ has checked it before).
  Site(io::Loop& loop, Common& common, limiter::Decider* local);
  ~Site() override;

  void on_request(const std::shared_ptr<proxy::Exchange>& exchange) override;
  http::Answer problem(int status, std::string_view detail) override;

 private:
  struct Body;
  std::shared_ptr<Body> body_;
};

// kInvalid names what is wrong: a path that does not begin with '/', a template, a CIDR, an
// upstream's URL, two routes of one host and path.
base::Status check(const Options& options);

}  // namespace gateway

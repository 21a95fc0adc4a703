// The gateway on the server's threads: on each its site and its connections upstream, and what all
// of them share.
//
// Thread: made and destroyed on one, before the loops run and after; make_talk() on the worker's.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "gateway/gateway.h"
#include "proxy/proxy.h"
#include "server/worker.h"

namespace server {

class Web {
 public:
  struct Terms {
    gateway::Options options;
    std::optional<redis::Options> cache;  // Behind the memory cache of hashes.
  };
  // `deciders`: of each loop, or none at all: then registered instances are asked.
  Web(Terms terms, const base::Clock& clock, const std::vector<io::Loop*>& loops,
      const std::vector<limiter::Decider*>& deciders);

  MakeTalk make_talk();
  void tick(base::Time now) { common_.tick(now); }
  void collect(metric::Families& families) const;  // Thread: any.

 private:
  struct Place {  // Of one thread.
    Place(io::Loop& loop, Web& web, limiter::Decider* local);
    proxy::Upstreams upstreams;
    gateway::Site site;
  };

  const gateway::Options options_;
  const base::Clock& clock_;
  proxy::Traffic traffic_;
  gateway::Site::Common common_;
  std::vector<std::unique_ptr<Place>> places_;
};

}  // namespace server

// What the sites of one process share; the inside of Site::Common.
#pragma once
#include <optional>

#include "base/clock.h"
#include "gateway/counts.h"
#include "gateway/hash_shop.h"
#include "gateway/options.h"
#include "gateway/registry.h"
#include "gateway/routes.h"
#include "gateway/site.h"
#include "io/network.h"
#include "redis/redis.h"

namespace gateway {

struct Site::Common::Body {
  Body(const Options& told, const base::Clock& told_clock,
       std::optional<redis::Options> told_store);

  const Options options;
  const base::Clock& clock;
  const std::optional<redis::Options> store;
  const Routes routes;
  const io::Networks trusted_networks, trusted_proxies;
  // Some route refuses if it cannot ask.
  const bool must_ask;
  Registry registry;
  Counts counts;
  HashShop hashes;
};

}  // namespace gateway

// The door of the room: a client of Redis, Redis Cluster and Sentinel.
#pragma once
#include "redis/client.h"   // IWYU pragma: export
#include "redis/metrics.h"  // IWYU pragma: export
#include "redis/options.h"  // IWYU pragma: export
#include "redis/reply.h"    // IWYU pragma: export
#include "redis/slots.h"    // IWYU pragma: export

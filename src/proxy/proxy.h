// The door of the room: HTTP/1.1 from clients to upstreams, read strictly and rewritten on its way;
// what stands before each request is an Application's.
#pragma once
#include "proxy/conversation.h"  // IWYU pragma: export
#include "proxy/exchange.h"      // IWYU pragma: export
#include "proxy/options.h"       // IWYU pragma: export
#include "proxy/traffic.h"       // IWYU pragma: export
#include "proxy/upstreams.h"     // IWYU pragma: export
#include "proxy/way.h"           // IWYU pragma: export

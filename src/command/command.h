// The door of the room: one table of verbs, spoken by the line protocol, RESP and HTTP.
#pragma once
#include "command/conversation.h"  // IWYU pragma: export
#include "command/counters.h"      // IWYU pragma: export
#include "command/http_api.h"      // IWYU pragma: export
#include "command/reference.h"     // IWYU pragma: export
#include "command/services.h"      // IWYU pragma: export
#include "command/verb.h"          // IWYU pragma: export

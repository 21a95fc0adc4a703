// The door of the room: the five laws. Each is a pure function of its parameters, a state, an
// instant and a cost; docs/algorithms.md draws them and says when to choose which.
#pragma once
#include "limit/concurrency.h"      // IWYU pragma: export
#include "limit/decision.h"         // IWYU pragma: export
#include "limit/gcra.h"             // IWYU pragma: export
#include "limit/rate.h"             // IWYU pragma: export
#include "limit/sliding_counter.h"  // IWYU pragma: export
#include "limit/sliding_log.h"      // IWYU pragma: export
#include "limit/window.h"           // IWYU pragma: export

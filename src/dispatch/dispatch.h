// The door of the room: what an HTTP answer means for a message and its host. It is told what came
// of a request and the time; it holds no socket and no queue.
#pragma once
#include "dispatch/hosts.h"        // IWYU pragma: export
#include "dispatch/outcome.h"      // IWYU pragma: export
#include "dispatch/parcel.h"       // IWYU pragma: export
#include "dispatch/retry_after.h"  // IWYU pragma: export
#include "dispatch/sign.h"         // IWYU pragma: export

// The door of the room: HTTP requests under the limits of the engine's gate.
#pragma once
#include "fetch/courier.h"  // IWYU pragma: export
#include "fetch/pool.h"     // IWYU pragma: export

// The door of the room: the web server of the distributed limiting system.
#pragma once
#include "gateway/options.h"    // IWYU pragma: export
#include "gateway/registrar.h"  // IWYU pragma: export
#include "gateway/site.h"       // IWYU pragma: export

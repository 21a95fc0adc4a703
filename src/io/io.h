// The door of the room: the operating system. Clock, log, addresses, files and the event loop.
//
// Boost.Asio stays behind this door (io/loop.cc, io/signals.cc); a header here that needs a name of
// it declares that name.
#pragma once
#include "io/alarm.h"       // IWYU pragma: export
#include "io/bell.h"        // IWYU pragma: export
#include "io/clock.h"       // IWYU pragma: export
#include "io/file_lock.h"   // IWYU pragma: export
#include "io/file_watch.h"  // IWYU pragma: export
#include "io/ip.h"          // IWYU pragma: export
#include "io/log.h"         // IWYU pragma: export
#include "io/loop.h"        // IWYU pragma: export
#include "io/network.h"     // IWYU pragma: export
#include "io/poll.h"        // IWYU pragma: export
#include "io/posix_disk.h"  // IWYU pragma: export
#include "io/signals.h"     // IWYU pragma: export
#include "io/socket.h"      // IWYU pragma: export

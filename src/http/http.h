// The door of the room: HTTP/1.1 without sockets, bytes in and bytes out. Beast parses; its headers
// stay in reader.cc.
#pragma once
#include "http/connection.h"  // IWYU pragma: export
#include "http/message.h"     // IWYU pragma: export
#include "http/page_guard.h"  // IWYU pragma: export

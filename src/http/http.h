// The door of the room: HTTP/1.1 answered without sockets, bytes in and bytes out (Beast parses;
// its headers stay in reader.cc), and HTTP asked by libcurl (its headers stay behind client.h).
#pragma once
#include "http/address_guard.h"  // IWYU pragma: export
#include "http/client.h"         // IWYU pragma: export
#include "http/connection.h"     // IWYU pragma: export
#include "http/message.h"        // IWYU pragma: export
#include "http/page_guard.h"     // IWYU pragma: export
#include "http/url.h"            // IWYU pragma: export

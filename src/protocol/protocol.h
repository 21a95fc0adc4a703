// The door of the room: bytes to requests and answers to bytes. No sockets, no verbs.
#pragma once
#include "protocol/request.h"  // IWYU pragma: export
#include "protocol/writer.h"   // IWYU pragma: export

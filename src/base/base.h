// The door of the room: the words that every other room needs. It knows no domain noun.
#pragma once
#include "base/check.h"   // IWYU pragma: export
#include "base/clock.h"   // IWYU pragma: export
#include "base/random.h"  // IWYU pragma: export
#include "base/result.h"  // IWYU pragma: export
#include "base/time.h"    // IWYU pragma: export

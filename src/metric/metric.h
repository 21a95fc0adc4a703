// The door of the room: counters and histograms that threads count into without meeting, and the
// families that a scrape is made of.
//
// A room owns its counters as plain members and describes them in a function
// `void collect(metric::Families&) const`; whoever serves /metrics calls those and renders the
// result. Names: ratelimmq_<room>_<thing>_<unit>[_total]; base units; no label whose values are
// unbounded.
#pragma once
#include "metric/counter.h"    // IWYU pragma: export
#include "metric/families.h"   // IWYU pragma: export
#include "metric/histogram.h"  // IWYU pragma: export

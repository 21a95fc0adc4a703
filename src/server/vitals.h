// What the system says of this process.
#pragma once
#include <cstdint>

#include "base/time.h"
#include "metric/metric.h"

namespace server {

struct Vitals {
  int64_t resident_bytes = 0, virtual_bytes = 0;
  int64_t threads = 0;
  int64_t open_descriptors = 0, descriptors_max = 0;
  base::Duration cpu{};
};

int64_t resident_bytes();
Vitals vitals();

// The process_* families that every Prometheus dashboard knows.
void collect(const Vitals& vitals, base::Time started, metric::Families& families);

}  // namespace server

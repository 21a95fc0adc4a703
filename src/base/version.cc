#include "base/version.h"

// CMake may tell both.
#ifndef RATELIMMQ_VERSION
#define RATELIMMQ_VERSION "0.1.0"
#endif
#ifndef RATELIMMQ_COMMIT
#define RATELIMMQ_COMMIT "unknown"
#endif

namespace base {

std::string_view version() { return RATELIMMQ_VERSION; }
std::string_view commit() { return RATELIMMQ_COMMIT; }

}  // namespace base

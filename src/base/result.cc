#include "base/result.h"

#include "base/check.h"

namespace base {

// Reached only when value() is called on an error: a bug of ours.
void throw_exception_from_error(const Error& error, const boost::source_location&) {
  std::fprintf(stderr, "unchecked error: %s\n", error.what.c_str());
  std::abort();
}

}  // namespace base

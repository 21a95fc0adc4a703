// What was built.
#pragma once
#include <string_view>

namespace base {

std::string_view version();  // "0.1.0", as in CMakeLists.txt.
std::string_view commit();   // A short hash; "unknown" where the build was not told one.

}  // namespace base

// The file system, as much of it as a load needs.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"

namespace config {

inline constexpr size_t kLimitFilesMax = 10'000;

// The bytes of a file of at most yaml::kFileBytesMax.
base::Result<std::string> read_file(const std::string& path);
bool exists(const std::string& path);

// Files that match a pattern (glob(7)), in the order of their names. A pattern without wildcards
// must name a file; one with them may match nothing.
base::Result<std::vector<std::string>> expand(const std::string& pattern);

std::string directory_of(const std::string& path);  // "." for a name alone.

// A relative path, told from `directory`.
std::string relative_to(const std::string& directory, const std::string& path);

}  // namespace config

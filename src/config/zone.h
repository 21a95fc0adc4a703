// Time zones out of the system's database (Debian: package tzdata), as plain lists of changes, so
// that the laws stay arithmetic.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "limit/window.h"

namespace config {

// All changes of a zone's offset from 1970 to 2100. "UTC" needs no database. kInvalid: there is no
// such zone (with a suggestion), or no database.
base::Result<limit::Zone> read_zone(std::string_view name);

// Zones by name, each read once; limits of one zone share it, because a law is copied freely.
class Zones {
 public:
  base::Result<std::shared_ptr<const limit::Zone>> find(std::string_view name);

 private:
  std::map<std::string, std::shared_ptr<const limit::Zone>, std::less<>> zones_;
};

}  // namespace config

// Ids by which a request is found again in logs; no secrets.
#pragma once
#include <string>
#include <string_view>

#include "base/random.h"

namespace http {

// The one that was received, if it can be echoed (1 to 128 visible ASCII characters or spaces),
// else 16 hex digits.
void name_request(std::string_view received, base::Random& ids, std::string& id);

}  // namespace http

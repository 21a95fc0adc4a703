// How an event is spelt; io/log.h says where it goes.
#pragma once
#include <string>
#include <string_view>

#include "base/time.h"
#include "io/log.h"

namespace io {

// One line with its LF. A text value is quoted (JSON's escapes) if it is empty or has a space, `"`,
// `=`, `\` or a control byte; bytes that are no UTF-8 are shown as U+FFFD in both formats.
std::string log_line(LogFormat format, base::Time at, Level level, std::string_view event,
                     LogFields fields);

// "2026-11-21T19:12:00.123Z".
std::string utc_milliseconds(base::Time at);

}  // namespace io

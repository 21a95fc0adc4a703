// The process's log: one line an event, to standard error, as key=value or JSON.
//
//   io::log(io::Level::kInfo, "listening", {{"listener", "tcp"}, {"address", "127.0.0.1:7411"}});
//   → 2026-11-21T19:12:00.123Z info  listening listener=tcp address=127.0.0.1:7411
//
// Thread: any. Values are quoted where they need it; nothing secret may be passed.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace io {

enum class Level : uint8_t { kDebug, kInfo, kWarning, kError, kOff };
enum class LogFormat : uint8_t { kText, kJson };

struct LogOptions {
  Level level = Level::kInfo;
  LogFormat format = LogFormat::kText;
};

void start_log(LogOptions options);  // Until then nothing is written.
using LogFields = std::initializer_list<std::pair<std::string_view, std::string>>;
void log(Level level, std::string_view event, LogFields fields = {});

}  // namespace io

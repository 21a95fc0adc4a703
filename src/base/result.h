// Result<T>: a value or an Error. Errors are values; our own bugs are CHECKs; exceptions never
// cross a room.
#pragma once
#include <boost/system/result.hpp>
#include <string>
#include <utility>

namespace base {

// What went wrong, as callers tell errors apart. Each protocol has one function Code -> wire.
enum class Code {
  kInvalid,   // A request that cannot be: syntax, a field out of its bounds.
  kLimited,   // Over a limit.
  kNoAuth,    // Who are you?
  kNoPerm,    // Not you.
  kNotFound,  // Named, but not there.
  kStale,     // A receipt or id whose time is over.
  kFull,      // A bound was reached.
  kReadOnly,  // The disk is full.
  kUnknown,   // In doubt: it may have happened.
  kShutdown,  // Stopping.
  kIo,        // The world failed: file, socket.
};

struct Error {
  Code code;
  std::string what;   // For people: names the field, key, file or offset.
  std::string field;  // The field at fault, where there is one; else empty.
};

[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location&);

template <typename T>
using Result = boost::system::result<T, Error>;
using Status = Result<void>;

inline Error invalid(std::string what, std::string field = {}) {
  return {Code::kInvalid, std::move(what), std::move(field)};
}

}  // namespace base

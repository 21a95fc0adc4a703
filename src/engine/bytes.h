// Integers and texts of records: little-endian, texts with their length first.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/time.h"

namespace engine {

static_assert(std::endian::native == std::endian::little);

class PutBytes {
 public:
  explicit PutBytes(std::string& to) : to_(to) {}

  template <typename T>
  PutBytes& number(T value) {
    static_assert(std::is_integral_v<T> || std::is_enum_v<T>);
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    to_.append(bytes, sizeof bytes);
    return *this;
  }
  PutBytes& time(base::Time at) { return number(base::nanoseconds(at)); }
  PutBytes& span(base::Duration span) { return number(span.count()); }
  PutBytes& text(std::string_view text) {
    number(static_cast<uint32_t>(text.size()));
    to_.append(text);
    return *this;
  }

 private:
  std::string& to_;
};

// Reads what PutBytes wrote. Past the end everything is zero or empty, and ok() is false.
class GetBytes {
 public:
  explicit GetBytes(std::string_view from) : from_(from) {}

  template <typename T>
  T number() {
    T value{};
    if (from_.size() < sizeof value) {
      ok_ = false;
      return value;
    }
    std::memcpy(&value, from_.data(), sizeof value);
    from_.remove_prefix(sizeof value);
    return value;
  }
  base::Time time() { return base::time_from(number<int64_t>()); }
  base::Duration span() { return base::Duration(number<int64_t>()); }
  std::string_view text() {
    const size_t size = number<uint32_t>();
    if (size > from_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view text = from_.substr(0, size);
    from_.remove_prefix(size);
    return text;
  }
  std::string_view rest() const { return from_; }
  bool ok() const { return ok_; }
  bool whole() const { return ok_ && from_.empty(); }

 private:
  std::string_view from_;
  bool ok_ = true;
};

}  // namespace engine

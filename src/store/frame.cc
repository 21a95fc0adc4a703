#include "store/frame.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace store {

static_assert(std::endian::native == std::endian::little);

void put_byte(std::string& out, uint8_t value) { out += static_cast<char>(value); }

void put_short(std::string& out, uint16_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof bytes);
}

void put_number(std::string& out, int64_t value) {
  const auto number = static_cast<double>(value);
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof bytes);
}

int64_t number_at(std::string_view bytes, size_t at) {
  double number = 0;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return static_cast<int64_t>(number);
}

Frame::Words Frame::words(std::string_view clock, std::string_view rest,
                          const std::vector<std::string>& extra) const {
  Words out;
  out.keys.reserve(keys());
  for (const auto* const list : {&states_, &flags_, &blocks_})
    out.keys.insert(out.keys.end(), list->begin(), list->end());
  out.arguments.reserve(5 + extra.size());
  for (const std::string_view each : {clock, std::string_view(packed_), std::string_view(law_of_),
                                      std::string_view(flag_count_), rest})
    out.arguments.push_back(each);
  out.arguments.insert(out.arguments.end(), extra.begin(), extra.end());
  return out;
}

char Frame::law_index(limiter::LawNumber number, const Law& law, base::Time about) {
  const auto found = std::ranges::find(laws_, number);
  const auto index = static_cast<size_t>(found - laws_.begin());
  if (found == laws_.end()) {
    laws_.push_back(number);
    law.pack(about, packed_);
  }
  return static_cast<char>(index + 1);
}

uint16_t Frame::number_of(std::vector<std::string>& names, const std::string& name) {
  const auto found = std::ranges::find(names, name);
  const auto index = static_cast<size_t>(found - names.begin());
  if (found == names.end()) names.push_back(name);
  return static_cast<uint16_t>(index + 1);
}

}  // namespace store

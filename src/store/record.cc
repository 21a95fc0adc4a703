#include "store/record.h"

#include <cstring>

namespace store {
namespace {

constexpr char kVersion = 1;

void put(std::string& out, int64_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof bytes);
}
void put(std::string& out, std::string_view text) {
  put(out, static_cast<int64_t>(text.size()));
  out.append(text);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  int64_t number() {
    int64_t value = 0;
    const std::string_view found = take(sizeof value);
    if (good_) std::memcpy(&value, found.data(), sizeof value);
    return value;
  }
  std::string text() {
    const int64_t size = number();
    return std::string(take(size < 0 ? SIZE_MAX : static_cast<size_t>(size)));
  }
  // Of a list: no longer than there are bytes.
  size_t count() {
    const int64_t n = number();
    if (n < 0 || static_cast<uint64_t>(n) > bytes_.size()) good_ = false;
    return good_ ? static_cast<size_t>(n) : 0;
  }
  bool done() const { return good_ && bytes_.empty(); }

 private:
  std::string_view take(size_t size) {
    if (size > bytes_.size()) good_ = false;
    if (!good_) return {};
    const std::string_view found = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return found;
  }

  std::string_view bytes_;
  bool good_ = true;
};

}  // namespace

std::string Record::encode() const {
  std::string out(1, kVersion);
  put(out, domain);
  put(out, cost);
  put(out, static_cast<int64_t>(descriptors.size()));
  for (const auto& descriptor : descriptors) {
    put(out, static_cast<int64_t>(descriptor.size()));
    for (const auto& [key, value] : descriptor) {
      put(out, key);
      put(out, value);
    }
  }
  put(out, static_cast<int64_t>(charges.size()));
  for (const Charge& charge : charges) {
    put(out, charge.name);
    put(out, charge.law);
    for (const int64_t number : {charge.at, charge.cost, charge.times,
                                 int64_t{charge.counts_cost} + 2 * int64_t{charge.hold}})
      put(out, number);
  }
  return out;
}

std::optional<Record> Record::decode(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != kVersion) return std::nullopt;
  Reader reader(bytes.substr(1));
  Record out;
  out.domain = reader.text();
  out.cost = reader.number();
  out.descriptors.resize(reader.count());
  for (auto& descriptor : out.descriptors) {
    descriptor.resize(reader.count());
    for (auto& [key, value] : descriptor) {
      key = reader.text();
      value = reader.text();
    }
  }
  out.charges.resize(reader.count());
  for (Charge& charge : out.charges) {
    charge.name = reader.text();
    charge.law = reader.text();
    charge.at = reader.number();
    charge.cost = reader.number();
    charge.times = reader.number();
    const int64_t kinds = reader.number();
    charge.counts_cost = (kinds & 1) != 0;
    charge.hold = (kinds & 2) != 0;
  }
  if (!reader.done()) return std::nullopt;
  return out;
}

}  // namespace store

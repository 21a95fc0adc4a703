#include "command/verb.h"

#include <cstring>

#include "base/check.h"
#include "command/client.h"
#include "command/replies.h"
#include "command/verbs.h"

namespace command {
namespace {

using Name = std::array<uint64_t, 2>;
static_assert(sizeof(Name) == VerbTable::kNameBytesMax);

// Clears bit 5 of each byte that is a lower-case letter: eight bytes at once. Bytes above 0x7f
// stay.
constexpr uint64_t upper(uint64_t bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  const uint64_t low = bytes & (kOnes * 0x7f);
  const uint64_t from_a = low + kOnes * (0x80 - 'a');       // Bit 7: at least 'a'.
  const uint64_t above_z = low + kOnes * (0x80 - 'z' - 1);  // Bit 7: above 'z'.
  const uint64_t letters = (from_a ^ above_z) & ~bytes & (kOnes * 0x80);
  return bytes ^ (letters >> 2);
}
static_assert(upper(0x7b617a4160e12e31u) == 0x7b415a4160e12e31u);  // "1.\xe1`AzA{" without the A.

// REQUIRES: text.size() <= kNameBytesMax.
Name spelt(std::string_view text) {
  Name name{};
  std::memcpy(name.data(), text.data(), text.size());
  return {upper(name[0]), upper(name[1])};
}

size_t hash(const Name& name) {
  const uint64_t mixed = (name[0] ^ (name[1] * 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;
  return static_cast<size_t>(mixed >> 40);
}

std::vector<Verb> gather() {
  std::vector<Verb> all;
  for (const auto rows : {server_verbs(), connection_verbs(), limit_verbs(), hold_verbs(),
                          throttle_verbs(), message_verbs(), queue_verbs(), dispatch_verbs()}) {
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

}  // namespace

VerbTable::VerbTable(std::span<const Verb> rows) : rows_(rows) {
  size_t size = 16;
  while (size < rows.size() * 4) size *= 2;
  slots_.resize(size);
  for (const Verb& verb : rows) {
    CHECK(!verb.name.empty() && verb.name.size() <= kNameBytesMax && find(verb.name) == nullptr);
    CHECK((verb.ask == nullptr) == (verb.answer == nullptr));
    const int ways = (verb.run != nullptr) + (verb.ask != nullptr) + (verb.request != nullptr);
    CHECK(ways == (verb.travels != nullptr ? 2 : 1));
    const Name name = spelt(verb.name);
    size_t i = hash(name) % size;
    while (slots_[i].verb != nullptr) i = (i + 1) % size;
    slots_[i] = {name, &verb};
  }
}

const Verb* VerbTable::find(std::string_view text) const {
  if (text.empty() || text.size() > kNameBytesMax) return nullptr;
  const Name name = spelt(text);
  for (size_t i = hash(name) & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[i];
    if (slot.verb == nullptr) return nullptr;
    if (slot.name == name && slot.verb->name.size() == text.size()) return slot.verb;
  }
}

const VerbTable& verb_table() {
  static const std::vector<Verb> rows = gather();
  static const VerbTable table(rows);
  return table;
}

std::span<const Verb> verbs() { return verb_table().rows(); }

const Verb* find_verb(std::string_view name) { return verb_table().find(name); }

protocol::Writer& Call::answer() {
  CHECK(!deferred_);
  if (!writer_) {
    to_ = refusal_ != nullptr ? refusal_ : &seat_.replies.next();
    begin_ = to_->size();
    writer_.emplace(seat_.client.wire, *to_);
  }
  return *writer_;
}

std::string_view Call::written() const {
  return writer_ ? std::string_view(*to_).substr(begin_) : std::string_view();
}

void Call::ok(const base::Status& status) {
  if (!status) return fail(status.error());
  answer().simple("OK");
}

void Call::fail(const base::Error& error) { answer().error(error.code, error.what); }

Later Call::defer(bool hold_up) {
  CHECK(!writer_ && !deferred_ && refusal_ == nullptr);
  deferred_ = true;
  return seat_.replies.defer(seat_.client.wire, {.hold_up = hold_up});
}

bool Call::answered() const { return deferred_ || (writer_ && writer_->complete()); }

}  // namespace command

#include "command/replies.h"

#include "base/check.h"

namespace command {

Later::Later(std::shared_ptr<Owed> owed, uint64_t place, protocol::Wire wire)
    : owed_(std::move(owed)), place_(place), wire_(wire) {}

Later::~Later() {
  if (!owed_) return;
  fill([](protocol::Writer& writer) {
    writer.error(base::Code::kUnknown, "no answer was given: it may have happened");
  });
}

void Later::fill(const std::function<void(protocol::Writer&)>& write) {
  CHECK(owed_ != nullptr);
  const std::shared_ptr<Owed> owed = std::move(owed_);
  if (owed->gone) return;
  std::string answer;
  protocol::Writer writer(wire_, answer);
  write(writer);
  CHECK(writer.complete());
  owed->fill(place_, std::move(answer));
}

void Later::fill_many(std::string_view answers) {
  CHECK(owed_ != nullptr);
  const std::shared_ptr<Owed> owed = std::move(owed_);
  if (!owed->gone) owed->fill_counted(place_, answers);
}

bool Later::wanted() const { return owed_ != nullptr && !owed_->gone; }

void Owed::fill(uint64_t number, std::string answer) {
  Place& place = places[number - first];
  CHECK(!place.filled);
  counters.answered(answer);
  place.answer = std::move(answer);
  filled(place);
}

void Owed::fill_counted(uint64_t number, std::string_view bytes) {
  Place& place = places[number - first];
  CHECK(!place.filled);
  if (number == first) {
    out += bytes;  // It leaves at once.
  } else {
    place.answer = bytes;
  }
  filled(place);
}

void Owed::filled(Place& place) {
  const bool was_full = full();
  place.filled = true;
  parked_bytes += place.answer.size();
  asked_bytes -= place.asked_bytes;
  const bool released = place.holds_up && --holding_up == 0;
  const bool moved = settle();
  const bool news = moved || released || (was_full && !full());
  if (!news || feeding || !on_ready) return;
  const auto ready = on_ready;  // A copy: the call may destroy the connection.
  ready();
}

bool Owed::full() const {
  if (places.empty()) return false;
  return places.size() >= kOwedMax || asked_bytes >= kAskedBytesMax ||
         parked_bytes + places.back().behind.size() >= kParkedBytesMax;
}

bool Owed::settle() {
  bool moved = false;
  while (!places.empty() && places.front().filled) {
    Place& place = places.front();
    out += place.answer;
    out += place.behind;
    parked_bytes -= place.answer.size();
    if (places.size() > 1) parked_bytes -= place.behind.size();
    places.pop_front();
    ++first;
    moved = true;
  }
  return moved;
}

Replies::~Replies() {
  owed_->gone = true;
  owed_->places.clear();
  owed_->on_ready = nullptr;
}

Later Replies::defer(protocol::Wire wire, Terms terms) {
  Owed& owed = *owed_;
  if (!owed.places.empty()) owed.parked_bytes += owed.places.back().behind.size();
  owed.places.push_back({.answer = {},
                         .behind = {},
                         .filled = false,
                         .holds_up = terms.hold_up,
                         .asked_bytes = terms.asked_bytes});
  if (terms.hold_up) ++owed.holding_up;
  owed.asked_bytes += terms.asked_bytes;
  return Later(owed_, owed.first + owed.places.size() - 1, wire);
}

}  // namespace command

#include "redis/owed.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/check.h"

namespace redis {

void Owed::add(CallPtr call) {
  note(*call, first_ + places_.size());
  const uint8_t replies = call->asking ? 2 : 1;
  places_.push_back({.call = std::move(call), .replies = replies});
}

void Owed::note(const Call& call, uint64_t place) {
  trim_deadlines();
  deadlines_.push_back({call.until, place});
  std::push_heap(deadlines_.begin(), deadlines_.end(), std::greater<>());
}

// Those of calls that were answered long before their deadlines: not more than twice what is owed.
void Owed::trim_deadlines() {
  constexpr size_t kFew = 1024;
  if (deadlines_.size() < kFew + 2 * places_.size()) return;
  std::erase_if(deadlines_, [&](const Deadline& each) { return each.place < first_; });
  std::make_heap(deadlines_.begin(), deadlines_.end(), std::greater<>());
}

bool Owed::give(std::string& out, size_t bytes_max, base::Duration now) {
  const size_t before = out.size();
  for (; given_ < places_.size() && out.size() < bytes_max; ++given_) {
    Place& place = places_[given_];
    place.given_at = now;
    if (place.cut) continue;
    if (place.call->asking) out += "*1\r\n$6\r\nASKING\r\n";
    out += place.call->bytes;
  }
  drop_cut_front();
  return out.size() > before;
}

CallPtr Owed::answered() {
  CHECK(awaits());
  Place& place = places_.front();
  if (--place.replies > 0) return nullptr;
  CallPtr out = std::move(place.call);
  places_.pop_front();
  ++first_;
  --given_;
  drop_cut_front();
  return out;
}

void Owed::drop_cut_front() {
  while (!places_.empty() && places_.front().cut) {
    places_.pop_front();
    ++first_;
    --cut_;
    if (given_ > 0) --given_;
  }
}

std::vector<Owed::Ended> Owed::expire(base::Duration now) {
  std::vector<Ended> out;
  while (!deadlines_.empty() && deadlines_.front().at <= now) {
    const uint64_t number = deadlines_.front().place;
    std::pop_heap(deadlines_.begin(), deadlines_.end(), std::greater<>());
    deadlines_.pop_back();
    if (number < first_) continue;  // Answered.
    const size_t at = number - first_;
    Place& place = places_[at];
    const bool given = at < given_;
    place.cut = !given;
    cut_ += place.cut;
    out.push_back({std::move(place.call), given});
  }
  drop_cut_front();
  return out;
}

std::vector<Owed::Ended> Owed::abandon() {
  std::vector<Ended> out;
  for (size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].call) out.push_back({std::move(places_[i].call), i < given_});
  }
  *this = Owed();
  return out;
}

base::Duration Owed::next_deadline() const {
  return deadlines_.empty() ? base::Duration::max() : deadlines_.front().at;
}

}  // namespace redis

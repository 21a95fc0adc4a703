#include "fetch/window.h"

#include <algorithm>

#include "base/check.h"

namespace fetch {
namespace {

constexpr size_t kShareOfFree = 32;
constexpr size_t kShareMin = 4;

}  // namespace

Window::Window(Terms terms) : terms_(std::move(terms)), spill_(terms_.spill, terms_.spill_dir) {}

Host& Window::host(std::string_view name) {
  const auto found = hosts_.find(name);
  if (found != hosts_.end()) return *found->second;
  auto host = std::make_unique<Host>();
  host->name = name;
  return *hosts_.emplace(host->name, std::move(host)).first->second;
}

size_t Window::share() const {
  const size_t free = terms_.most - std::min(in_hand_, terms_.most);
  return std::max({kShareMin, 2 * terms_.per_host, free / kShareOfFree});
}

Window::Place Window::place_for(const Host& host) const {
  const bool waits = host.spilled != nullptr;
  if (!waits && has_room() && host.in_hand < share()) return Place::kHand;
  if (!waits && host.in_hand < share()) return Place::kNowhere;
  static const Spill::Lines kNone;
  return spill_.has_room(waits ? *host.spilled : kNone) ? Place::kDisk : Place::kNowhere;
}

void Window::enter(Host& host, queue::Number number) {
  ++host.in_hand;
  ++in_hand_;
  if (host.first > 64 && host.first * 2 > host.numbers.size()) {
    host.numbers.erase(host.numbers.begin(),
                       host.numbers.begin() + static_cast<std::ptrdiff_t>(host.first));
    host.first = 0;
  }
  host.numbers.push_back(number);
}

// Those of one host start in order, but for what comes back.
void Window::started(Host& host, queue::Number number) {
  while (host.first < host.numbers.size() && host.numbers[host.first] <= number) ++host.first;
}

void Window::left(Host& host) {
  CHECK(host.in_hand > 0 && in_hand_ > 0);
  --host.in_hand;
  --in_hand_;
}

base::Status Window::spill(Host& host, uint64_t index, std::string_view text) {
  if (host.spilled == nullptr) host.spilled = std::make_unique<Spill::Lines>();
  ++spilled_;
  return spill_.add(*host.spilled, index, text);
}

bool Window::may_return(const Host& host) const {
  return host.spilled != nullptr && has_room() && host.in_hand < share();
}

// What a disk that fails does not give back is lost; whoever asks tells so.
base::Result<Spill::Line> Window::take_back(Host& host) {
  base::Result<Spill::Line> line = spill_.take(*host.spilled);
  spilled_ -= line ? 1 : host.spilled->count();
  if (!line || host.spilled->empty()) host.spilled.reset();
  return line;
}

void Window::forget_if_idle(Host& host) {
  if (host.in_hand > 0 || host.spilled != nullptr || host.ending || host.remembered) return;
  if (!host.given_up.empty() && given_up_ < kGivenUpMax) {
    ++given_up_;
    host.remembered = true;
    host.numbers = {};
    host.first = 0;
    return;
  }
  hosts_.erase(hosts_.find(host.name));
}

}  // namespace fetch

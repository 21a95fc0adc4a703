#include "command/errand.h"

#include <algorithm>

#include "base/check.h"
#include "command/client.h"
#include "command/replies.h"

namespace command {
namespace {

constexpr size_t kRoomBytes = 16 * 1024;  // Of an errand, without allocating.
constexpr size_t kSpareMax = 64;          // Errands that a thread keeps.

std::vector<std::shared_ptr<Errand>>& spare() {
  static thread_local std::vector<std::shared_ptr<Errand>> errands;
  return errands;
}

}  // namespace

Errand::Errand() : arena_(kRoomBytes) {}

void Errand::begin(Tell tell) {
  parts_.push_back({tell, static_cast<uint32_t>(requests_.size()), 0});
}

// Shared: the run that travels keeps it, whatever becomes of the run.
std::shared_ptr<Errand> Errand::take() {
  if (spare().empty()) return std::make_shared<Errand>();
  std::shared_ptr<Errand> errand = std::move(spare().back());
  spare().pop_back();
  return errand;
}

void Errand::give_back(std::shared_ptr<Errand> errand) {
  errand->requests_.clear();
  errand->parts_.clear();
  errand->later_.reset();
  errand->arena_.clear();
  errand->alone_ = false;
  if (spare().size() < kSpareMax) spare().push_back(std::move(errand));
}

void Errand::send(std::shared_ptr<Errand> errand, Seat& seat) {
  Errand& self = *errand;
  for (engine::Request& request : self.requests_) request.connection = seat.caller.connection_id;
  self.wire_ = seat.client.wire;
  self.now_ = seat.now;
  self.counters_ = &seat.services.counters;
  self.hosts_ = seat.services.hosts;
  self.later_.emplace(seat.replies.defer(
      self.wire_,
      {.hold_up = self.alone_,
       .asked_bytes = self.arena_.bytes() + self.requests_.size() * sizeof(engine::Request)}));
  auto run = std::make_unique<engine::Run>();
  run->requests.swap(self.requests_);
  run->keep.push_back(std::move(errand));
  run->done = [&self](engine::Run& back) { self.come_back(back); };
  seat.travelled = true;
  seat.services.shards->submit(std::move(run));
}

void Errand::come_back(engine::Run& run) {
  static thread_local std::string answers;
  answers.clear();
  if (later_->wanted()) write(run.requests, answers);
  Later later = *std::move(later_);
  auto self = std::static_pointer_cast<Errand>(run.keep.front());
  run.keep.clear();
  run.requests.clear();
  requests_.swap(run.requests);
  give_back(std::move(self));
  std::string mine;  // Filling may run other errands of this thread.
  mine.swap(answers);
  later.fill_many(mine);
  if (mine.capacity() <= Errand::kBytesMax) answers.swap(mine);
}

void Errand::write(std::span<engine::Request> requests, std::string& answers) const {
  for (const Part& part : parts_) {
    const Told told{requests.subspan(part.first, part.count), now_, hosts_};
    const size_t begin = answers.size();
    protocol::Writer writer(wire_, answers);
    const auto refused = std::ranges::find_if(
        told.requests, [](const engine::Request& request) { return !request.status; });
    if (refused == told.requests.end()) {
      part.tell(told, writer);
    } else {
      writer.error(refused->status.error().code, refused->status.error().what);
    }
    CHECK(writer.complete());
    counters_->answered(std::string_view(answers).substr(begin));
  }
}

Errand& Draft::together() {
  if (!open_) open_ = Errand::take();
  return *open_;
}

Errand& Draft::alone() {
  close();
  open_ = Errand::take();
  open_->alone_ = true;
  return *open_;
}

Later Draft::later() {
  close();
  seat_.travelled = true;
  return seat_.replies.defer(seat_.client.wire, {.hold_up = true});
}

void Draft::close_if_due() {
  if (open_ && (open_->alone_ || open_->full())) close();
}

void Draft::close() {
  if (!open_) return;
  std::shared_ptr<Errand> errand = std::move(open_);
  open_ = nullptr;
  if (errand->parts_.empty()) return Errand::give_back(std::move(errand));
  Errand::send(std::move(errand), seat_);
}

}  // namespace command

#include "engine/consumers.h"

#include <algorithm>
#include <iterator>

namespace engine {
namespace {

template <typename Map, typename Key>
void erase_one(Map& map, const Key& key, Request* request) {
  const auto [begin, end] = map.equal_range(key);
  const auto found = std::find_if(begin, end, [&](auto& each) { return each.second == request; });
  if (found != end) map.erase(found);
}

bool is_impatient(const Request& request) {
  const auto* const asked = std::get_if<Dequeue>(&request.what);
  return asked != nullptr && asked->wait.count() <= 0;
}

}  // namespace

void Consumers::note(Request& request, base::Time deadline) {
  waiting_[&request].deadline = deadline;
  deadlines_.emplace(deadline, &request);
  if (request.connection != 0) by_connection_.emplace(request.connection, &request);
}

void Consumers::add(Request& dequeue, base::Time deadline) {
  note(dequeue, deadline);
  Waiting& waiting = waiting_[&dequeue];
  const Dequeue& asked = std::get<Dequeue>(dequeue.what);
  for (const std::string_view queue : asked.queues) {
    Line& line = by_queue_[std::string(queue)];
    line.wanted += asked.count;
    waiting.places.emplace_back(queue, line.requests.insert(line.requests.end(), &dequeue));
  }
  impatient_ += is_impatient(dequeue);
}

void Consumers::add_check(Request& check, base::Time deadline) { note(check, deadline); }

void Consumers::remove(Request& request) {
  const auto found = waiting_.find(&request);
  if (found == waiting_.end()) return;
  for (const auto& [queue, place] : found->second.places) {
    const auto line = by_queue_.find(queue);
    line->second.wanted -= std::get<Dequeue>(request.what).count;
    line->second.requests.erase(place);
    if (line->second.requests.empty()) by_queue_.erase(line);
  }
  impatient_ -= is_impatient(request);
  erase_one(deadlines_, found->second.deadline, &request);
  if (request.connection != 0) erase_one(by_connection_, request.connection, &request);
  waiting_.erase(found);
}

Request* Consumers::first(std::string_view queue) {
  const auto found = by_queue_.find(queue);
  return found == by_queue_.end() ? nullptr : found->second.requests.front();
}

uint64_t Consumers::wanted(std::string_view queue) const {
  if (waiting_.empty()) return 0;
  const auto found = by_queue_.find(queue);
  return found == by_queue_.end() ? 0 : found->second.wanted;
}

std::vector<Request*> Consumers::impatient(std::string_view queue) const {
  std::vector<Request*> out;
  if (impatient_ == 0) return out;
  const auto found = by_queue_.find(queue);
  if (found == by_queue_.end()) return out;
  std::ranges::copy_if(found->second.requests, std::back_inserter(out),
                       [](Request* each) { return is_impatient(*each); });
  return out;
}

base::Time Consumers::due() const {
  return deadlines_.empty() ? base::Time::max() : deadlines_.begin()->first;
}

Request* Consumers::over(base::Time now) {
  if (deadlines_.empty() || deadlines_.begin()->first > now) return nullptr;
  return deadlines_.begin()->second;
}

std::vector<Request*> Consumers::of(uint64_t connection) const {
  std::vector<Request*> requests;
  const auto [begin, end] = by_connection_.equal_range(connection);
  for (auto at = begin; at != end; ++at) requests.push_back(at->second);
  return requests;
}

std::vector<Request*> Consumers::all() const {
  std::vector<Request*> requests;
  for (const auto& [deadline, request] : deadlines_) requests.push_back(request);
  return requests;
}

}  // namespace engine

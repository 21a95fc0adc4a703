#include "command/forage.h"

#include <algorithm>

namespace command {

void Forage::begin(Shards& shards, ForageTerms terms, Done done) {
  std::make_shared<Forage>(shards, std::move(terms), std::move(done))->visit();
}

Forage::Forage(Shards& shards, ForageTerms terms, Done done)
    : shards_(shards), terms_(std::move(terms)), done_(std::move(done)) {
  for (const std::string& queue : terms_.queues) {
    const uint32_t shard = engine::shard_of(queue, shards.count());
    if (visits_.empty() || visits_.back().shard != shard) visits_.push_back({shard, {}});
    visits_.back().queues.push_back(queue);
    auto post = std::ranges::find(posts_, shard, &Stop::shard);
    if (post == posts_.end()) post = posts_.insert(post, {shard, {}});
    post->queues.push_back(queue);
  }
}

void Forage::submit(const Stop& stop, base::Duration wait, void (Forage::*back)(engine::Run&)) {
  auto run = std::make_unique<engine::Run>();
  engine::Request& request = run->requests.emplace_back();
  request.shard = stop.shard;
  request.connection = terms_.connection;
  auto& dequeue = request.what.emplace<engine::Dequeue>();
  dequeue.queues = stop.queues;
  dequeue.count = terms_.count - static_cast<uint32_t>(found_.size());
  dequeue.wait = wait;
  dequeue.lease = terms_.lease;
  dequeue.claim = claim_;
  run->done = [self = shared_from_this(), back](engine::Run& done) { ((*self).*back)(done); };
  shards_.submit(std::move(run));
}

void Forage::visit() {
  if (visits_.size() == 1 && terms_.wait.count() > 0) return wait();  // One shard does it all.
  submit(visits_[next_++], {}, &Forage::visited);
}

void Forage::visited(engine::Run& run) {
  collect(run);
  if (found_.size() == terms_.count || error_) return end();
  if (next_ < visits_.size()) return visit();
  if (!found_.empty() || terms_.wait.count() == 0) return end();
  wait();
}

void Forage::wait() {
  if (posts_.size() > 1) claim_ = std::make_shared<engine::Claim>();
  out_ = posts_.size();
  for (const Stop& post : posts_) submit(post, terms_.wait, &Forage::waited);
}

void Forage::waited(engine::Run& run) {
  --out_;
  collect(run);
  if (found_.empty() && out_ > 0) return;
  if (done_ && out_ > 0) cancel(run.requests.front().shard);
  end();
}

// Those that lost must not wait on until their time is over.
void Forage::cancel(uint32_t winner) {
  auto run = std::make_unique<engine::Run>();
  for (const Stop& post : posts_) {
    if (post.shard == winner) continue;
    engine::Request& request = run->requests.emplace_back();
    request.shard = post.shard;
    request.connection = terms_.connection;
    request.what.emplace<engine::Cancel>().claim = claim_;
  }
  run->done = [](engine::Run&) {};
  shards_.submit(std::move(run));
}

void Forage::collect(engine::Run& run) {
  engine::Request& request = run.requests.front();
  if (!request.status) {
    if (!error_) error_ = request.status.error();
    return;
  }
  for (engine::Delivery& delivery : std::get<engine::Dequeue>(request.what).deliveries) {
    found_.push_back({request.shard, std::move(delivery)});
  }
}

// What was leased is told, whatever failed beside it.
void Forage::end() {
  if (!done_) return;
  const Done done = std::exchange(done_, nullptr);
  if (error_ && found_.empty()) return done(*error_);
  done(std::move(found_));
}

}  // namespace command

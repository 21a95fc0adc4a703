#include "gateway/instance_line.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "gateway/instance_words.h"
#include "io/clock.h"
#include "io/ip.h"

namespace gateway {
namespace {

constexpr size_t kTextBytesMax = size_t{256} << 10;  // Of a list; an instance takes 1 MiB.
constexpr uint64_t kAnswerBytesMax = uint64_t{4} << 20;
constexpr size_t kAnswerBytesUsual = 256;  // Of each ask.
// Of the deadline, for a connection: one that cannot be reached leaves time to ask another.
constexpr int kConnectShare = 3;

}  // namespace

struct InstanceLine::Batch final : proxy::Receiver {
  struct Member {
    Pending ask;
    size_t begin, size;  // Of its text.
    bool over = false;
  };

  explicit Batch(InstanceLine& told_line) : line(told_line) {}
  void on_head(const proxy::ResponseHead& head) override {
    status = head.status;
    body.reserve(kAnswerBytesUsual * members.size());
  }
  void on_piece(std::string_view data) override { body.append(data); }
  void on_progress() override {}
  void on_end() override { line.answered(*this); }
  void on_failure(proxy::UpstreamFailure failure, bool stale) override {
    line.failed(*this, failure, stale);
  }

  std::string_view text_of(const Member& member) const {
    return std::string_view(text).substr(member.begin, member.size);
  }
  void add(Pending&& ask, std::string_view what) {
    text += text.empty() ? '[' : ',';
    members.push_back({std::move(ask), text.size(), what.size()});
    text.append(what);
  }
  bool full() const { return alone || members.size() >= kAsksMax || text.size() >= kTextBytesMax; }

  InstanceLine& line;
  std::string text;  // Of a list that is still open.
  std::vector<Member> members;
  bool alone = false;  // Nothing is added to it.
  proxy::Link* link = nullptr;
  base::Time sent{};
  int status = 0;
  std::string body;  // The answer's.
};

InstanceLine::InstanceLine(const Terms& terms, LineHome& home, const proxy::Pool::Terms& pool)
    : terms_(terms),
      home_(home),
      way_{.upstream = "http://" + io::join_host_port(terms.host, terms.port),
           .timeout = terms.deadline,
           .request_bytes_max = {},
           .response_bytes_max = kAnswerBytesMax},
      alarm_(pool.alarm),
      pool_(pool, way_.upstream) {
  head_ = "POST /v1/checks?brief=1 HTTP/1.1\r\nHost: " + pool_.authority() +
          "\r\nContent-Type: application/json\r\nContent-Length: ";
}

InstanceLine::~InstanceLine() = default;

bool InstanceLine::idle() const {
  return !told_ && waiting_.empty() && flying_.empty() && pool_.links() == 0;
}

InstanceLine::Batch& InstanceLine::gathering() {
  if (waiting_.empty() || waiting_.back()->full()) {
    waiting_.push_back(std::make_unique<Batch>(*this));
  }
  return *waiting_.back();
}

void InstanceLine::add(Pending&& ask, std::string_view text) {
  gathering().add(std::move(ask), text);
  tell();
}

void InstanceLine::tell() {
  if (!std::exchange(told_, true)) home_.may_send(*this);
}

void InstanceLine::send() {
  told_ = false;
  while (!waiting_.empty() && flying_.size() < kFlyingMax) {
    std::unique_ptr<Batch> next = std::move(waiting_.front());
    waiting_.pop_front();
    next->sent = home_.now();
    fly(std::move(next), false);
  }
}

void InstanceLine::fly(std::unique_ptr<Batch> batch, bool fresh) {
  Batch& out = *flying_.emplace_back(std::move(batch));
  out.link = &pool_.open({.way = way_, .whole = true}, out, fresh);
  out.link->request()
      .append(head_)
      .append(std::to_string(out.text.size() + 1))
      .append("\r\n\r\n")
      .append(out.text)
      .append("]");
  out.link->flush();
  if (out.link->on_its_way()) alarm_.within(terms_.deadline / kConnectShare);
}

std::unique_ptr<InstanceLine::Batch> InstanceLine::land(Batch& batch) {
  const auto at = std::ranges::find(flying_, &batch, &std::unique_ptr<Batch>::get);
  CHECK(at != flying_.end());
  std::unique_ptr<Batch> landed = std::move(*at);
  flying_.erase(at);
  return landed;
}

void InstanceLine::answered(Batch& batch) {
  const std::unique_ptr<Batch> landed = land(batch);
  tell();
  if (batch.status >= 400 && batch.status < 500) {
    // What a client has made us ask must not cost an instance its place, nor others theirs.
    if (batch.members.size() > 1 && batch.status != 429) return each_alone(batch);
    return end_all(batch, {.decision = nobody(Reason::kBadAsk)});
  }
  std::optional<Decisions> decisions;
  if (batch.status == 200) decisions = read_checks(batch.body, batch.members.size());
  // One that stops says 503.
  if (!decisions) return end_all(batch, {.uncharged = batch.status == 503});
  for (size_t i = 0; i < batch.members.size(); ++i) {
    Batch::Member& each = batch.members[i];
    if (each.over) continue;
    home_.ended(terms_.id, std::move(each.ask), batch.text_of(each),
                {.decision = std::move((*decisions)[i])});
  }
}

void InstanceLine::failed(Batch& batch, proxy::UpstreamFailure failure, bool stale) {
  std::unique_ptr<Batch> landed = land(batch);
  if (stale) return fly(std::move(landed), true);  // It had been closed meanwhile.
  tell();
  end_all(batch, {.late = failure == proxy::UpstreamFailure::kTimeout,
                  .uncharged = failure == proxy::UpstreamFailure::kLookup ||
                               failure == proxy::UpstreamFailure::kConnect});
}

void InstanceLine::each_alone(Batch& batch) {
  for (Batch::Member& each : batch.members) {
    if (each.over) continue;
    auto one = std::make_unique<Batch>(*this);
    one->add(std::move(each.ask), batch.text_of(each));
    one->alone = true;
    waiting_.push_back(std::move(one));
  }
}

void InstanceLine::end_all(Batch& batch, const Ended& how) {
  for (Batch::Member& each : batch.members) {
    if (each.over) continue;
    home_.ended(terms_.id, std::move(each.ask), batch.text_of(each), Ended(how));
  }
}

base::Time InstanceLine::expire() {
  pool_.tick(io::monotonic());
  const base::Time now = home_.now();
  Overdue overdue{.now = now, .next = base::Time::max(), .ended = {}};
  for (auto& batch : waiting_) batch = collect_waiting(std::move(batch), overdue);
  std::erase(waiting_, nullptr);
  // Leaving a link tells nobody, so nothing flies off meanwhile.
  for (auto& batch : flying_) collect_flying(*batch, overdue);
  std::erase_if(flying_, [](const auto& batch) { return batch->link == nullptr; });
  if (!waiting_.empty()) tell();
  // Whoever is told may add asks, so last.
  for (Overdue::Row& row : overdue.ended) {
    home_.ended(terms_.id, std::move(row.ask), row.text, std::move(row.how));
  }
  const base::Duration tick = pool_.next_tick();
  return tick == base::Duration::max() ? overdue.next : std::min(overdue.next, now + tick);
}

// What is over its time is taken out: it must not be sent any more.
std::unique_ptr<InstanceLine::Batch> InstanceLine::collect_waiting(std::unique_ptr<Batch> batch,
                                                                   Overdue& overdue) const {
  const auto late = [&](const Batch::Member& each) {
    return each.ask.since + terms_.deadline <= overdue.now;
  };
  if (std::ranges::none_of(batch->members, late)) {
    for (const Batch::Member& each : batch->members) {
      overdue.next = std::min(overdue.next, each.ask.since + terms_.deadline);
    }
    return batch;
  }
  auto rest = std::make_unique<Batch>(batch->line);
  rest->alone = batch->alone;
  for (Batch::Member& each : batch->members) {
    if (late(each)) {
      overdue.ended.push_back({std::move(each.ask), {}, {.late = true}});
    } else {
      overdue.next = std::min(overdue.next, each.ask.since + terms_.deadline);
      rest->add(std::move(each.ask), batch->text_of(each));
    }
  }
  return rest->members.empty() ? nullptr : std::move(rest);
}

void InstanceLine::collect_flying(Batch& batch, Overdue& overdue) const {
  const base::Time connected_by = batch.sent + terms_.deadline / kConnectShare;
  const bool connecting = batch.link->on_its_way();
  const bool unreachable = connecting && connected_by <= overdue.now;
  size_t left = 0;
  for (Batch::Member& each : batch.members) {
    if (each.over) continue;
    const base::Time due = each.ask.since + terms_.deadline;
    const bool late = due <= overdue.now;
    each.over = late || unreachable;
    if (each.over) {
      overdue.ended.push_back({std::move(each.ask),
                               std::string(batch.text_of(each)),
                               {.late = late, .uncharged = !late}});
    } else {
      overdue.next = std::min(overdue.next, connecting ? std::min(due, connected_by) : due);
      ++left;
    }
  }
  if (left == 0) std::exchange(batch.link, nullptr)->leave();
}

}  // namespace gateway

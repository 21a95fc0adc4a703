#include "gateway/registry.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/hash.h"
#include "base/mutex.h"
#include "base/random.h"
#include "gateway/choice.h"
#include "io/ip.h"

namespace gateway {
namespace {

constexpr int64_t kLatencyShare = 8;  // A new latency counts for an eighth.

enum class State : uint8_t { kUp, kEjected, kProbing };
constexpr std::array<std::string_view, 3> kStates = {"up", "ejected", "probing"};

struct Row {
  uint64_t id = 0;
  std::string host;
  uint16_t port = 0;
  uint64_t hash = 0;
  State state = State::kUp;
  base::Duration latency{}, ttl{};
  base::Time last_heartbeat{};
  size_t in_flight = 0;
  uint64_t failures = 0;
  unsigned failures_in_row = 0;
  base::Time last_failure{};
  base::Duration pause{};
  base::Time try_at{};  // When it is not up. One that tries and never ends is not waited for.

  bool due(base::Time now) const { return state != State::kUp && now >= try_at; }
  void rest(base::Time now) {
    state = State::kEjected;
    try_at = now + pause;
  }
};

void smooth(base::Duration& latency, base::Duration now) {
  latency = latency == base::Duration::zero() ? now : latency + (now - latency) / kLatencyShare;
}

}  // namespace

struct Registry::Body {
  explicit Body(const Options& options)
      : how(options.choose),
        ttl(options.registration_ttl),
        instances_max(options.instances_max),
        random(options.seed) {}

  const Choose how;
  const base::Duration ttl;
  const size_t instances_max;

  mutable base::Mutex mutex;
  base::Random random GUARDED_BY(mutex);
  std::vector<Row> rows GUARDED_BY(mutex);
  std::unordered_map<uint64_t, size_t> by_id GUARDED_BY(mutex);  // Into rows.
  std::unordered_map<std::string, uint64_t> ids GUARDED_BY(mutex);
  uint64_t last_id GUARDED_BY(mutex) = 0;
  std::vector<Candidate> candidates GUARDED_BY(mutex);  // Of the present choice …
  std::vector<size_t> indexes GUARDED_BY(mutex);        // … and where they stand in rows.
  metric::Counter failures, ejections;

  Row* find(uint64_t id) REQUIRES_LOCK(mutex) {
    const auto found = by_id.find(id);
    return found == by_id.end() ? nullptr : &rows[found->second];
  }
  void drop(size_t at) REQUIRES_LOCK(mutex);
  Row* choose(std::string_view key, base::Time now, uint64_t except) REQUIRES_LOCK(mutex);
  size_t askable(base::Time now) const REQUIRES_LOCK(mutex) {
    const auto may = [now](const Row& row) { return row.state == State::kUp || row.due(now); };
    return static_cast<size_t>(std::ranges::count_if(rows, may));
  }
};

void Registry::Body::drop(size_t at) {
  by_id.erase(rows[at].id);
  ids.erase(io::join_host_port(rows[at].host, rows[at].port));
  if (at + 1 != rows.size()) {
    rows[at] = std::move(rows.back());
    by_id[rows[at].id] = at;
  }
  rows.pop_back();
}

// One that waits to be tried goes before all others: else it might never be found well again.
Row* Registry::Body::choose(std::string_view key, base::Time now, uint64_t except) {
  candidates.clear();
  indexes.clear();
  for (size_t i = 0; i < rows.size(); ++i) {
    Row& row = rows[i];
    if (row.id == except) continue;
    if (row.due(now)) {
      row.state = State::kProbing;
      row.try_at = now + row.pause;
      return &row;
    }
    if (row.state != State::kUp) continue;
    candidates.push_back({row.in_flight, row.latency, row.hash});
    indexes.push_back(i);
  }
  if (candidates.empty()) return nullptr;
  return &rows[indexes[gateway::choose(how, candidates, key, random)]];
}

Registry::Registry(const Options& options) : body_(std::make_unique<Body>(options)) {}
Registry::~Registry() = default;

base::Result<Registry::Known> Registry::add(std::string_view host, uint16_t port,
                                            std::optional<base::Duration> ttl, base::Time now) {
  const base::Duration kept = std::clamp(ttl.value_or(body_->ttl), kTtlMin, kTtlMax);
  const std::string address = io::join_host_port(host, port);
  const base::Guard guard(body_->mutex);
  const auto [at, fresh] = body_->ids.try_emplace(address, body_->last_id + 1);
  if (fresh) {
    if (body_->rows.size() >= body_->instances_max) {
      body_->ids.erase(at);
      return base::Error{base::Code::kFull, "no more instances may register", {}};
    }
    const uint64_t id = ++body_->last_id;
    body_->by_id[id] = body_->rows.size();
    body_->rows.push_back(
        {.id = id, .host = std::string(host), .port = port, .hash = base::hash128(address, 0).low});
  }
  Row& row = *body_->find(at->second);
  row.last_heartbeat = now;
  row.ttl = kept;
  return Known{body_->rows.size(), kept};
}

base::Result<size_t> Registry::remove(std::string_view host, uint16_t port, base::Time) {
  const std::string address = io::join_host_port(host, port);
  const base::Guard guard(body_->mutex);
  const auto found = body_->ids.find(address);
  if (found == body_->ids.end()) {
    return base::Error{base::Code::kNotFound, "no instance is registered at " + address, {}};
  }
  body_->drop(body_->by_id[found->second]);
  return body_->rows.size();
}

std::optional<Registry::Chosen> Registry::choose(std::string_view key, base::Time now,
                                                 uint64_t except) {
  const base::Guard guard(body_->mutex);
  Row* const row = body_->choose(key, now, except);
  if (row == nullptr) return std::nullopt;
  ++row->in_flight;
  return Chosen{row->id, row->host, row->port, row->state == State::kProbing};
}

bool Registry::join(uint64_t id) {
  const base::Guard guard(body_->mutex);
  Row* const row = body_->find(id);
  if (row == nullptr || row->state != State::kUp) return false;
  ++row->in_flight;
  return true;
}

void Registry::answered(uint64_t id, base::Duration latency, base::Time) {
  const base::Guard guard(body_->mutex);
  Row* const row = body_->find(id);
  if (row == nullptr) return;
  --row->in_flight;
  row->failures_in_row = 0;
  row->state = State::kUp;
  smooth(row->latency, latency);
}

void Registry::failed(uint64_t id, base::Time asked, base::Time now) {
  body_->failures.add();
  const base::Guard guard(body_->mutex);
  Row* const row = body_->find(id);
  if (row == nullptr) return;
  --row->in_flight;
  ++row->failures;
  if (asked < row->last_failure) return;
  row->last_failure = now;
  ++row->failures_in_row;
  if (row->state == State::kProbing) {
    row->pause = std::min(2 * row->pause, kPauseMax);
    row->rest(now);
  } else if (row->state == State::kUp && row->failures_in_row >= kFailuresMax) {
    body_->ejections.add();
    row->pause = kPauseMin;
    row->rest(now);
  }
}

size_t Registry::askable(base::Time now) const {
  const base::Guard guard(body_->mutex);
  return body_->askable(now);
}

std::vector<Instance> Registry::instances(base::Time) const {
  const base::Guard guard(body_->mutex);
  std::vector<Instance> out;
  out.reserve(body_->rows.size());
  for (const Row& row : body_->rows) {
    out.push_back({.host = row.host,
                   .port = row.port,
                   .state = std::string(kStates.at(static_cast<size_t>(row.state))),
                   .latency = row.latency,
                   .last_heartbeat = row.last_heartbeat,
                   .ttl = row.ttl,
                   .in_flight = row.in_flight,
                   .failures = row.failures});
  }
  return out;
}

void Registry::tick(base::Time now) {
  const base::Guard guard(body_->mutex);
  for (size_t i = body_->rows.size(); i-- > 0;) {
    const Row& row = body_->rows[i];
    if (now - row.last_heartbeat > row.ttl) body_->drop(i);
  }
}

void Registry::collect(metric::Families& families, base::Time) const {
  std::array<size_t, kStates.size()> counts{};
  {
    const base::Guard guard(body_->mutex);
    for (const Row& row : body_->rows) ++counts.at(static_cast<size_t>(row.state));
  }
  for (size_t i = 0; i < kStates.size(); ++i) {
    families.gauge("ratelimmq_gateway_instances", "Registered limiter instances",
                   {{"state", std::string(kStates[i])}}, static_cast<double>(counts.at(i)));
  }
  families.counter("ratelimmq_gateway_instance_failures_total",
                   "Asks that an instance did not answer", {}, body_->failures.value());
  families.counter("ratelimmq_gateway_ejections_total",
                   "Instances that are asked no more until one ask has tried them", {},
                   body_->ejections.value());
}

}  // namespace gateway

// Random calls against a plain model: maps, and every order worked out anew at each look.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/random.h"
#include "queue/queue.h"

namespace queue {
namespace {

using base::Time;

struct Name {  // Of a flow.
  QueueId queue;
  std::string key, descriptors;
  friend auto operator<=>(const Name&, const Name&) = default;
};

struct Kept {
  Name flow;
  uint32_t priority;
  Standing standing;
  Time expires;
  int64_t cost;
  Place place;
  uint32_t bytes;
  FlowId id;
};

struct Turn {
  uint64_t turn = 0;
  bool going = false;
};

struct Line {
  Settings settings;
  uint64_t virtual_time = 0, turn_max = 0;
  std::map<std::string, Turn> keys;
};

class Model {
 public:
  std::map<QueueId, Line> lines;
  std::map<Number, Kept> kept;
  std::map<Name, FlowId> parked;

  Number head(const Name& flow) const {
    Number best = 0;
    for (const auto& [number, m] : kept)
      if (m.flow == flow && m.standing.state == State::kReady &&
          (best == 0 || m.priority < kept.at(best).priority))
        best = number;
    return best;
  }
  bool held(QueueId queue, const std::string& key) const {
    const uint32_t cap = lines.at(queue).settings.in_flight_per_key;
    uint32_t flying = 0;
    for (const auto& [number, m] : kept) {
      if (m.flow.queue != queue || m.flow.key != key) continue;
      const Standing& s = m.standing;
      flying += s.state == State::kLeased;
      flying += cap == 1 && s.state == State::kDelayed && s.delivered > 0;
    }
    return cap != 0 && flying >= cap;
  }
  // The heads that can go, by key.
  std::map<std::string, std::vector<Number>> heads(QueueId queue) const {
    std::set<Name> flows;
    for (const auto& [number, m] : kept)
      if (m.flow.queue == queue) flows.insert(m.flow);
    std::map<std::string, std::vector<Number>> by_key;
    for (const Name& flow : flows)
      if (!parked.contains(flow) && head(flow) != 0 && !held(queue, flow.key))
        by_key[flow.key].push_back(head(flow));
    return by_key;
  }
  Number next(QueueId queue) const {
    const Line& line = lines.at(queue);
    if (line.settings.paused_out) return 0;
    std::tuple<uint64_t, Number> best{~uint64_t{0}, 0};
    for (const auto& [key, numbers] : heads(queue)) {
      const Number first =
          *std::min_element(numbers.begin(), numbers.end(), [&](Number a, Number b) {
            return std::pair(kept.at(a).priority, a) < std::pair(kept.at(b).priority, b);
          });
      best = std::min(best, std::tuple(line.keys.at(key).turn, first));
    }
    return std::get<1>(best);
  }
  void charge(const Kept& m) {
    Line& line = lines.at(m.flow.queue);
    Turn& key = line.keys[m.flow.key];
    if (!key.going) key.turn = std::max(key.turn, line.virtual_time);
    line.virtual_time = std::max(line.virtual_time, key.turn);
    uint64_t weight = 1;
    for (const auto& [name, w] : line.settings.weights)
      if (name == m.flow.key) weight = w;
    key.turn += (static_cast<uint64_t>(m.cost) << 20) / weight;
    line.turn_max = std::max(line.turn_max, key.turn);
  }
  void settle() {  // After every change.
    for (auto& [id, line] : lines) {
      const auto going = heads(id);
      for (const auto& [key, numbers] : going) line.keys[key];
      for (auto& [name, key] : line.keys) {
        if (going.contains(name) && !key.going) key.turn = std::max(key.turn, line.virtual_time);
        key.going = going.contains(name);
      }
      bool ready = false, any = false;
      for (const auto& [number, m] : kept) {
        any |= m.flow.queue == id;
        ready |= m.flow.queue == id && m.standing.state == State::kReady;
      }
      for (const auto& [flow, flow_id] : parked) any |= flow.queue == id;
      if (!ready) line.virtual_time = std::max(line.virtual_time, line.turn_max);
      if (any) continue;
      line.keys.clear();
      line.virtual_time = line.turn_max = 0;
    }
  }
};

class Life {
 public:
  explicit Life(uint64_t seed) : random_(seed) {
    for (QueueId id = 1; id <= 3; ++id) set(id, id - 1);
  }

  void step() {
    now_ += std::chrono::milliseconds(random_.below(300));
    switch (random_.below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        enqueue();
        break;
      case 5:
      case 6:
      case 7:
      case 8:
        deliver();
        break;
      case 9:
      case 10:
      case 11:
        move();
        break;
      case 12:
        remove();
        break;
      case 13:
      case 14:
        park();
        break;
      case 15:
      case 16:
        unpark();
        break;
      case 17:
        store_.reap(now_, random_.below(3));
        break;
      case 18:
        tick();
        break;
      default:
        rarely();
        break;
    }
    model_.settle();
  }

  void compare() {
    for (const auto& [id, line] : model_.lines) compare(id);
    ASSERT_EQ(store_.messages(), model_.kept.size());
    for (Number n = numbers_ > 40 ? numbers_ - 40 : 1; n < numbers_; ++n) compare_message(n);
    for (const auto& [number, m] : model_.kept) compare_message(number);
    reap_all();
    uint64_t kept_bytes = 0;
    for (const auto& [number, m] : model_.kept) kept_bytes += m.bytes;
    ASSERT_EQ(gone_bytes_ + kept_bytes, all_bytes_);
  }

  void finish() {
    while (!model_.parked.empty()) unpark();
    model_.settle();
  }

 private:
  void reap_all() {
    while (store_.reap(now_, 100)) {
    }
    check_changed();
  }

  void set(QueueId id, uint32_t in_flight) {
    Settings settings;
    settings.in_flight_per_key = in_flight % 3;
    settings.weights = {{"a", 3}, {"b", 2}};
    if (random_.below(2) == 0) settings.dead_keep = std::chrono::seconds(3);
    model_.lines[id].settings = settings;
    store_.set_queue(id, "queue-" + std::to_string(id), settings);
  }

  QueueId any_queue() {
    auto i = model_.lines.begin();
    std::advance(i, random_.below(model_.lines.size()));
    return i->first;
  }
  Number any_number() {
    if (model_.kept.empty()) return 0;
    auto i = model_.kept.begin();
    std::advance(i, random_.below(model_.kept.size()));
    return i->first;
  }
  Time soon() { return now_ + std::chrono::milliseconds(random_.below(3000)); }

  void enqueue() {
    const bool again = random_.below(20) == 0 && numbers_ > 1;
    const Number number = again ? 1 + random_.below(numbers_ - 1) : numbers_++;
    Kept m{.flow = {any_queue(), std::string("abc").substr(random_.below(3), 1), ""},
           .priority = static_cast<uint32_t>(random_.below(2)),
           .standing = {},
           .expires = random_.below(4) == 0 ? soon() : Time{},
           .cost = static_cast<int64_t>(1 + random_.below(5)),
           .place = random_.next(),
           .bytes = static_cast<uint32_t>(random_.below(1000)),
           .id = 0};
    if (random_.below(4) == 0) m.flow.key.clear();
    if (random_.below(2) == 0) m.flow.descriptors = "d" + std::to_string(random_.below(2));
    const Time due = random_.below(3) == 0 ? soon() : now_;
    m.standing.state = due > now_ ? State::kDelayed : State::kReady;
    m.standing.at = due;
    if (model_.kept.erase(number) != 0) model_.settle();
    m.id = store_.enqueue({.queue = m.flow.queue,
                           .number = number,
                           .key = m.flow.key,
                           .descriptors = m.flow.descriptors,
                           .priority = m.priority,
                           .enqueued = now_,
                           .due = due,
                           .expires = m.expires,
                           .cost = m.cost,
                           .place = m.place,
                           .bytes = m.bytes});
    all_bytes_ += m.bytes;
    model_.kept.insert_or_assign(number, m);
  }

  void apply(Number number, Standing to) {
    Kept& m = model_.kept.at(number);
    const State from = m.standing.state;
    if (to.state == State::kLeased && (from == State::kReady || from == State::kDelayed))
      model_.charge(m);
    m.standing = to;
    ASSERT_TRUE(store_.move(number, to));
  }
  void deliver() {
    const Number number = model_.next(any_queue());
    if (number != 0) apply(number, standing(number, State::kLeased));
  }
  void move() {
    const Number number = any_number();
    if (number != 0) apply(number, standing(number, static_cast<State>(random_.below(4))));
  }
  Standing standing(Number number, State state) {
    Standing to = model_.kept.at(number).standing;
    const bool timed = state == State::kDelayed || state == State::kLeased;
    to.state = state;
    to.at = timed ? soon() + std::chrono::milliseconds(1) : now_;
    to.delivered = static_cast<uint16_t>(to.delivered + (state == State::kLeased));
    to.failed = static_cast<uint16_t>(to.failed + random_.below(2));
    to.start = state == State::kLeased ? static_cast<uint32_t>(random_.below(9)) : 0;
    return to;
  }
  void remove() {
    const Number number = any_number();
    if (number == 0) return;
    model_.kept.erase(number);
    ASSERT_TRUE(store_.remove(number));
    ASSERT_FALSE(store_.remove(number));
  }

  void park() {
    const Number number = any_number();
    if (number == 0) return;
    const Kept& m = model_.kept.at(number);
    const FlowId id = store_.find(number)->flow;
    if (!model_.parked.emplace(m.flow, id).second) return;
    seen_heads_[m.flow] = model_.head(m.flow);
    store_.park(id);
  }
  void unpark() {
    if (model_.parked.empty()) return;
    auto i = model_.parked.begin();
    std::advance(i, random_.below(model_.parked.size()));
    store_.unpark(i->second);
    seen_heads_.erase(i->first);
    model_.parked.erase(i);
  }
  void check_changed() {  // Nothing is left to reap.
    std::vector<FlowId> changed;
    store_.changed(changed);
    ASSERT_EQ(std::set(changed.begin(), changed.end()).size(), changed.size()) << "each once";
    for (const auto& [flow, id] : model_.parked) {
      const Number head = model_.lines.contains(flow.queue) ? model_.head(flow) : 0;
      if (head != seen_heads_[flow]) {
        ASSERT_TRUE(std::count(changed.begin(), changed.end(), id)) << "a parked head changed";
      }
      seen_heads_[flow] = head;
    }
    for (const FlowId id : changed) ASSERT_TRUE(store_.flow(id).parked);
  }

  // The instant of a message's timer.
  Time instant(const Kept& m) const {
    const Settings& settings = model_.lines.at(m.flow.queue).settings;
    const Standing& s = m.standing;
    Time at = Time::max();
    if (s.state == State::kDelayed || s.state == State::kLeased) at = s.at;
    if (s.state == State::kDead && settings.dead_keep.count() > 0) at = s.at + settings.dead_keep;
    const bool waits = s.state == State::kReady || s.state == State::kDelayed;
    return waits && m.expires != Time{} ? std::min(at, m.expires) : at;
  }
  Time next_due() const {
    Time first = Time::max();
    for (const auto& [number, m] : model_.kept) first = std::min(first, instant(m));
    return first;
  }
  void tick() {
    std::optional<Due> due;
    while ((due = store_.due(now_))) {
      ASSERT_TRUE(model_.kept.contains(due->number));
      Kept& m = model_.kept.at(due->number);
      ASSERT_EQ(instant(m), next_due());
      ASSERT_EQ(store_.next_due(), next_due());
      switch (due->what) {
        case Due::What::kRipe:
          ASSERT_TRUE(m.standing.state == State::kDelayed && m.standing.at <= now_);
          ASSERT_TRUE(store_.ripen(due->number, now_));
          m.standing.state = State::kReady;
          break;
        case Due::What::kLeaseOver:
          ASSERT_EQ(m.standing.state, State::kLeased);
          apply(due->number, standing(due->number, State::kReady));
          break;
        case Due::What::kExpired:
          ASSERT_LE(m.expires, now_);
          model_.kept.erase(due->number);
          ASSERT_TRUE(store_.remove(due->number));
          break;
        case Due::What::kKeepOver:
          ASSERT_EQ(m.standing.state, State::kDead);
          model_.kept.erase(due->number);
          ASSERT_TRUE(store_.remove(due->number));
          break;
      }
      model_.settle();
    }
    ASSERT_GT(next_due(), now_);
  }

  void rarely() {
    const QueueId id = any_queue();
    Settings settings = model_.lines.at(id).settings;
    switch (random_.below(6)) {
      case 0:
        std::erase_if(model_.kept, [&](const auto& entry) {
          const State state = entry.second.standing.state;
          return entry.second.flow.queue == id &&
                 (state == State::kReady || state == State::kDelayed);
        });
        store_.purge(id);
        return;
      case 1:
        if (random_.below(4) != 0) return;
        std::erase_if(model_.kept,
                      [&](const auto& entry) { return entry.second.flow.queue == id; });
        model_.lines.erase(id);
        store_.drop_queue(id);
        set(++queues_, static_cast<uint32_t>(random_.below(3)));
        return;
      case 2:
        settings.paused_out = !settings.paused_out;
        break;
      case 3:
        settings.dead_keep = std::chrono::seconds(random_.below(4));
        break;
      default:
        settings.weights = {{"a", 1 + random_.below(4)}, {"c", 1 + random_.below(4)}};
    }
    model_.lines.at(id).settings = settings;
    store_.set_queue(id, "ignored", settings);
  }

  void compare(QueueId id) {
    Depths depths;
    Time oldest = Time::max();
    std::set<std::pair<Time, Number>> dead;
    for (const auto& [number, m] : model_.kept) {
      if (m.flow.queue != id) continue;
      depths.bytes += m.bytes;
      switch (m.standing.state) {
        case State::kReady:
          ++depths.ready;
          oldest = std::min(oldest, m.standing.at);
          break;
        case State::kDelayed:
          ++depths.delayed;
          break;
        case State::kLeased:
          ++depths.leased;
          break;
        case State::kDead:
          ++depths.dead;
          dead.emplace(m.standing.at, number);
      }
    }
    const Depths found = store_.find(id)->depths;
    ASSERT_EQ(found.ready, depths.ready);
    ASSERT_EQ(found.delayed, depths.delayed);
    ASSERT_EQ(found.leased, depths.leased);
    ASSERT_EQ(found.dead, depths.dead);
    ASSERT_EQ(found.bytes, depths.bytes);
    if (depths.ready <= 16) {
      ASSERT_EQ(store_.oldest(id), depths.ready ? oldest : Time{});
    }
    Number after = 0;
    for (const auto& [at, number] : dead) ASSERT_EQ(after = store_.next_dead(id, after), number);
    ASSERT_EQ(store_.next_dead(id, after), 0);
    const FlowId next = store_.next(id);
    ASSERT_EQ(next == kNoFlow ? 0 : store_.flow(next).head, model_.next(id));
  }

  void compare_message(Number number) {
    const auto view = store_.find(number);
    const auto kept = model_.kept.find(number);
    ASSERT_EQ(view.has_value(), kept != model_.kept.end()) << number;
    if (!view) return;
    const Kept& m = kept->second;
    ASSERT_EQ(view->standing, m.standing);
    ASSERT_EQ(view->queue, m.flow.queue);
    ASSERT_EQ(std::tuple(view->place, view->bytes, view->cost, view->priority, view->expires),
              std::tuple(m.place, m.bytes, m.cost, m.priority, m.expires));
    const Store::Flow flow = store_.flow(view->flow);
    ASSERT_EQ(flow.key, m.flow.key);
    ASSERT_EQ(flow.descriptors, m.flow.descriptors);
    ASSERT_EQ(flow.head, model_.head(m.flow));
    ASSERT_EQ(flow.parked, model_.parked.contains(m.flow));
    ASSERT_EQ(flow.held_back, model_.held(m.flow.queue, m.flow.key));
    if (m.standing.state != State::kReady) return;
    uint64_t ahead = 0, all = 0;
    for (const auto& [other, o] : model_.kept) {
      if (o.flow != m.flow || o.standing.state != State::kReady) continue;
      ++all;
      ahead += std::pair(o.priority, other) < std::pair(m.priority, number);
    }
    ASSERT_EQ(store_.ahead(number, 1000), ahead);
    ASSERT_EQ(store_.ahead(number, 2), std::min<uint64_t>(ahead, 2));
    ASSERT_EQ(flow.messages, all);
  }

  base::Random random_;
  Time now_ = base::time_from(1'000'000'000'000);
  Model model_;
  std::map<Name, Number> seen_heads_;
  Number numbers_ = 1;
  QueueId queues_ = 3;
  uint64_t all_bytes_ = 0, gone_bytes_ = 0;
  Store store_{[this](Place, uint32_t bytes) { gone_bytes_ += bytes; }};
};

TEST(StoreModel, AnyCallsLeaveWhatAPlainModelSays) {
#ifdef RATELIMMQ_SANITIZED
  constexpr uint64_t kLives = 20;  // Each is slow, and finds what it finds in the first ones.
#else
  constexpr uint64_t kLives = 100;
#endif
  for (uint64_t seed = 1; seed <= kLives; ++seed) {
    SCOPED_TRACE(seed);
    Life life(seed);
    for (int i = 0; i < 600; ++i) {
      SCOPED_TRACE(i);
      life.step();
      if (HasFatalFailure()) return;
      // Not at every step, so that what is purged is met before it is reaped.
      if (i % 5 == 0) life.compare();
      if (HasFatalFailure()) return;
    }
    life.finish();
    life.compare();
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace queue

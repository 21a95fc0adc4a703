// Queues whose limits live in a store: engines with tickets, each as a process of its own would
// have it, over one real Redis, in one thread.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/test_bed.h"
#include "io/clock.h"
#include "io/loop.h"
#include "limiter/test_limits.h"
#include "redis/test_server.h"
#include "store/tickets.h"

namespace {

using namespace std::chrono_literals;
using engine::Delivery;
using engine::Dequeue;
using engine::Request;
using limiter::concurrency;
using limiter::gcra;
using limiter::named;
using limiter::node;

limiter::DomainSpec out(std::vector<limiter::NodeSpec> nodes) {
  for (limiter::NodeSpec& each : nodes) {
    for (limiter::LimitSpec& limit : each.limits) limit.mode = limiter::Mode::kStrict;
  }
  return limiter::domain(std::move(nodes), "out");
}

store::Options options_of(uint16_t port) {
  store::Options options;
  options.redis.nodes = {{"127.0.0.1", port}};
  options.deadline = 2s;  // Nothing fails for being slow.
  options.breaker_min = 20ms;
  options.breaker_max = 100ms;
  options.seed = 5;
  return options;
}

// One broker: a shard, its clock, its loop, its limits and its way to the store.
class Broker : public engine::TestBed {
 public:
  Broker(uint16_t port, const limiter::DomainSpec& domain, std::string name,
         const std::function<void(store::Options&)>& more = {})
      : TestBed({}, {domain}, Closed{}), name_(std::move(name)), store_options_(options_of(port)) {
    if (more) more(store_options_);
    begin();
  }

  ~Broker() { engine.reset(); }

  // The process dies, and comes back with what its disk has.
  void restart() {
    engine.reset();
    base::Random random(1);
    disk.crash(random);
    tickets.reset();
    store_.reset();
    common_.reset();
    pending.clear();
    done.clear();
    freed.clear();
    begin();
  }

  void step() {
    const base::Time before = now;
    now = std::max(now, clock.now());
    longest = std::max<base::Duration>(longest, now - before);
    turn();
    const base::Time due = engine->due();
    const base::Duration rest = std::clamp<base::Duration>(due - now, 100us, 5ms);
    loop.after(due == base::Time::max() ? base::Duration(5ms) : rest, [] {});
    loop.poll().wait();
  }
  bool run(const std::function<bool()>& until, base::Duration most = 20s) {
    for (const base::Time end = clock.now() + most; !until();) {
      if (clock.now() > end) return false;
      step();
    }
    return true;
  }
  template <typename What>
  What get(What what, uint64_t connection = 0) {
    now = std::max(now, clock.now());
    Request& request = start(std::move(what), connection);
    CHECK(run([&] { return is_done(request); }));
    return std::get<What>(request.what);
  }

  void queue(std::string_view queue_name, std::vector<std::string> descriptors) {
    set(queue_name, [&](queue::Settings& s) {
      s.decide = {"out", descriptors};
      s.attempts = 1000;
      s.backoff.base = 1ms;
      s.backoff.max = 1ms;
    });
  }
  void send(std::string_view queue_name, std::string_view key, int times, int64_t cost = 1) {
    for (int i = 0; i < times; ++i) {
      engine::Message message;
      message.body = key;
      message.key = key;
      message.cost = cost;
      enqueue(queue_name, message);
    }
  }
  Request& wait_for(std::string_view queue_name, base::Duration wait = 60s, uint32_t count = 1,
                    std::optional<base::Duration> lease = {}, uint64_t connection = 0) {
    names_.push_back(std::string(queue_name));
    views_.push_back(names_.back());
    Dequeue asked;
    asked.queues = {&views_.back(), 1};
    asked.wait = wait;
    asked.count = count;
    asked.lease = lease;
    now = std::max(now, clock.now());
    return start(asked, connection);
  }
  static std::vector<Delivery>& of(Request& request) {
    return std::get<Dequeue>(request.what).deliveries;
  }
  std::vector<std::string> take_now(std::string_view queue_name, uint32_t count = 1) {
    Request& request = wait_for(queue_name, {}, count);
    CHECK(run([&] { return is_done(request); }));
    std::vector<std::string> bodies;
    for (const Delivery& each : of(request)) bodies.push_back(body(each));
    return bodies;
  }
  bool up() const { return common_->up(); }
  store::Common& common() { return *common_; }

  io::SystemClock clock;
  io::Loop loop;
  base::Duration longest{};  // Between two steps.
  std::optional<store::TicketCommon> ticket_common;
  std::optional<store::Tickets> tickets;

 private:
  void begin() {
    now = std::max(now, clock.now());
    common_.emplace(store_options_, *limiter, clock);
    ticket_common.emplace();
    ticket_common->on_freed([this](uint32_t, base::Hash128 state) { freed.push_back(state); });
    tickets.emplace(*common_, *ticket_common, *limiter, store::TicketOptions{.name = name_});
    open(*tickets);
    store_.emplace(loop, *common_);
    tickets->begin(loop, *store_);
    CHECK(run([this] { return up(); }));
  }

  const std::string name_;
  store::Options store_options_;
  std::optional<store::Common> common_;
  std::optional<store::Store> store_;
  std::deque<std::string> names_;
  std::deque<std::string_view> views_;
};

// Consumers that wait, take, and ack after `work`.
class Workers {
 public:
  Workers(Broker& broker, std::string queue_name, size_t count, base::Duration work = {})
      : broker_(broker), queue_(std::move(queue_name)), work_(work), waiting_(count) {}

  void step() {
    for (Request*& each : waiting_) {
      if (each == nullptr) each = &broker_.wait_for(queue_);
    }
    broker_.step();
    for (Request*& each : waiting_) {
      if (!broker_.is_done(*each)) continue;
      for (const Delivery& delivery : Broker::of(*each)) {
        ++taken[Broker::body(delivery)];
        ++all;
        held_.push_back({broker_.now + work_, delivery});
      }
      each = nullptr;
    }
    std::erase_if(held_, [this](const Held& each) {
      if (each.until > broker_.now) return false;
      acked += broker_.ack(each.delivery) ? 1 : 0;
      return true;
    });
  }
  size_t held() const { return held_.size(); }

  std::map<std::string, int> taken;
  int all = 0, acked = 0;

 private:
  struct Held {
    base::Time until;
    Delivery delivery;
  };
  Broker& broker_;
  const std::string queue_;
  const base::Duration work_;
  std::vector<Request*> waiting_;
  std::vector<Held> held_;
};

struct QueueOverStore : ::testing::Test {
  redis_bed::TestServer server;
};

TEST_F(QueueOverStore, TwoBrokersKeepOneRateTogetherAndUseAllOfIt) {
  constexpr int kRate = 400, kBurst = 80;
  const auto domain = out({node("all", "", {gcra(kRate, 1s, kBurst)})});
  Broker one(server.port(), domain, "one"), two(server.port(), domain, "two");
  for (Broker* each : {&one, &two}) {
    each->queue("q", {"all=x"});
    for (const char* key : {"a", "b", "c"}) each->send("q", key, 500);
  }
  Workers first(one, "q", 4), second(two, "q", 4);
  one.longest = two.longest = {};
  const base::Time began = one.clock.now();
  while (one.clock.now() < began + 1500ms) {
    first.step();
    second.step();
  }
  const double seconds = std::chrono::duration<double>(one.clock.now() - began).count();
  const int all = first.all + second.all;
  const double bound = kBurst + kRate * seconds;
  EXPECT_LE(all, bound + 1);
  // A machine that stands still for a burst's time cannot use it, nor one that asks for less than
  // there is.
  const uint64_t asked = one.ticket_common->asked.value() + two.ticket_common->asked.value();
  if (std::max(one.longest, two.longest) < 100ms && static_cast<double>(asked) > 2 * bound) {
    EXPECT_GE(all, 0.97 * bound) << "in " << seconds << " s; asked "
                                 << one.ticket_common->asked.value() << " + "
                                 << two.ticket_common->asked.value() << ", returned "
                                 << one.ticket_common->returned.value() << " + "
                                 << two.ticket_common->returned.value();
    for (const char* key : {"a", "b", "c"})
      EXPECT_NEAR(first.taken[key], first.all / 3.0, 2) << "keys take turns";
  }
}

TEST_F(QueueOverStore, OneFlowUsesAHighRateThoughEachMessageIsATicket) {
  const auto domain = out({node("all", "", {gcra(5000, 1s, 500)})});
  Broker broker(server.port(), domain, "one");
  broker.queue("q", {"all=x"});
  broker.send("q", "k", 1500);
  int got = 0;
  while (got < 1500) {
    Request& request = broker.wait_for("q", 60s, 100);
    ASSERT_TRUE(broker.run([&] { return broker.is_done(request); }));
    got += static_cast<int>(Broker::of(request).size());
    ASSERT_FALSE(Broker::of(request).empty());
  }
  EXPECT_EQ(broker.ticket_common->used.value(), 1500u);
}

TEST_F(QueueOverStore, ACapOfTwoBrokersIsNeverPassedAndEveryMessageIsDone) {
  const auto domain = out({node("slot", "", {named("cap", concurrency(3))})});
  Broker one(server.port(), domain, "one"), two(server.port(), domain, "two");
  for (Broker* each : {&one, &two}) {
    each->queue("q", {"slot=x"});
    each->send("q", "k", 40);
  }
  Workers first(one, "q", 4, 2ms), second(two, "q", 4, 2ms);
  size_t most = 0;
  const base::Time end = one.clock.now() + 30s;
  while (first.acked + second.acked < 80 && one.clock.now() < end) {
    first.step();
    most = std::max(most, first.held() + second.held());
    second.step();
    most = std::max(most, first.held() + second.held());
  }
  EXPECT_EQ(first.acked + second.acked, 80);
  EXPECT_LE(most, 3u);
  EXPECT_GE(most, 2u);
}

TEST_F(QueueOverStore, AHoldEndsWithItsLeaseHoweverItEndsAndOutlivesARestart) {
  const auto domain = out({node("slot", "", {named("cap", concurrency(1))})});
  Broker broker(server.port(), domain, "one"), other(server.port(), domain, "two");
  for (Broker* each : {&broker, &other}) {
    each->queue("q", {"slot=x"});
    each->send("q", "k", 4);
  }
  const auto lease = [&](Broker& whose, base::Duration length) {
    Request& request = whose.wait_for("q", 60s, 1, length);
    CHECK(whose.run([&] { return whose.is_done(request); }));
    CHECK(Broker::of(request).size() == 1);
    return Broker::of(request).front();
  };
  const auto told = [](Broker& whose) {  // The store, of what has ended.
    return whose.run([&] { return whose.ticket_common->owed.value() == 0; });
  };
  Delivery held = lease(broker, 1h);
  EXPECT_TRUE(other.take_now("q").empty()) << "held by another broker";
  broker.nack(held, 0ms);
  ASSERT_TRUE(told(broker));
  held = lease(other, 1h);
  EXPECT_TRUE(broker.take_now("q").empty());
  other.ack(held);
  ASSERT_TRUE(told(other));
  lease(broker, 30ms);  // It runs out.
  ASSERT_TRUE(broker.run([&] { return broker.stats("q").row.depths.leased == 0; }));
  ASSERT_TRUE(told(broker));
  held = lease(other, 1h);
  other.restart();
  EXPECT_TRUE(broker.take_now("q").empty()) << "the lease lives on";
  EXPECT_TRUE(other.ack(held)) << "and so does its receipt";
  ASSERT_TRUE(told(other));
  lease(broker, 1h);
}

TEST_F(QueueOverStore, WhoDoesNotWaitStillGetsWhatMayGo) {
  const auto domain = out({node("key", "", {named("l", gcra(3, 1h, 3))})});
  Broker broker(server.port(), domain, "one");
  broker.queue("q", {"key={key}"});
  broker.send("q", "a", 5);
  EXPECT_EQ(broker.take_now("q"), (std::vector<std::string>{"a"}));
  EXPECT_EQ(broker.take_now("q", 10).size() + broker.take_now("q", 10).size(), 2u);
  EXPECT_TRUE(broker.take_now("q").empty());
  broker.send("q", "b", 1);
  EXPECT_EQ(broker.take_now("q"), (std::vector<std::string>{"b"})) << "no key delays another";
}

TEST_F(QueueOverStore, ABlockedKeyDelaysNoOther) {
  const auto domain = out({node("key", "", {gcra(1000, 1h, 1000)})});
  Broker broker(server.port(), domain, "one");
  broker.queue("q", {"key={key}"});
  store::Store store(broker.loop, broker.common());
  const limiter::Path a{{{"key", "a"}}};
  std::optional<base::Status> blocked;
  store.block("out", a.first(), 1h, [&](base::Status&& status) { blocked = status; });
  ASSERT_TRUE(broker.run([&] { return blocked.has_value(); }));
  broker.send("q", "a", 20);
  for (const char* key : {"b", "c", "d"}) broker.send("q", key, 5);
  Workers workers(broker, "q", 2);
  while (workers.acked < 15) workers.step();
  EXPECT_EQ(workers.taken["a"], 0);
}

TEST_F(QueueOverStore, AllLimitsOfADeliveryAreChargedOrNone) {
  const auto domain = out({node("all", "", {named("all", gcra(100, 1h, 100))}),
                           node("key", "", {named("key", gcra(2, 1h, 2))})});
  Broker broker(server.port(), domain, "one");
  broker.queue("q", {"all=x", "key={key}"});
  for (const char* key : {"a", "b", "c"}) broker.send("q", key, 10);
  std::map<std::string, int> got;
  for (int i = 0; i < 10; ++i)
    for (const std::string& each : broker.take_now("q", 10)) ++got[each];
  EXPECT_EQ(got, (std::map<std::string, int>{{"a", 2}, {"b", 2}, {"c", 2}}));
  engine::Check check;
  check.domain = "out";
  check.cost = 94;
  const limiter::Path all{{{"all", "x"}}};
  check.descriptors = all.get();
  check.wait = 5s;
  ASSERT_TRUE(broker.run([&] { return broker.ticket_common->kept.value() == 0; }));
  const engine::Check answered = broker.get(check);
  EXPECT_TRUE(answered.allowed) << "six of a hundred were charged";
  EXPECT_EQ(answered.numbers.remaining, 0);
}

TEST_F(QueueOverStore, UnitsOfAConsumerThatHasGoneComeBack) {
  const auto domain = out({node("all", "", {gcra(10, 1h, 10)})});
  Broker broker(server.port(), domain, "one"), other(server.port(), domain, "two");
  broker.queue("q", {"all=x"});
  other.queue("q", {"all=x"});
  broker.wait_for("q", 60s, 1, {}, 7);
  broker.send("q", "k", 1);
  broker.now = std::max(broker.now, broker.clock.now());
  broker.start(engine::Leave{}, 7);
  ASSERT_TRUE(broker.run([&] { return broker.ticket_common->returned.value() == 1; }));
  other.send("q", "k", 20);
  std::vector<std::string> got;
  const auto take = [&] {
    broker.step();
    for (std::string& each : other.take_now("q", 5)) got.push_back(std::move(each));
    return got.size() >= 10;
  };
  EXPECT_TRUE(other.run(take));
  for (int i = 0; i < 3; ++i) take();
  EXPECT_EQ(got.size(), 10u);
}

TEST_F(QueueOverStore, TicketsAreNoMoreThanWhoWaits) {
  const auto domain = out({node("key", "", {gcra(1000, 1s, 1000)})});
  Broker broker(server.port(), domain, "one");
  broker.queue("q", {"key={key}"});
  for (int i = 0; i < 200; ++i) broker.send("q", "k" + std::to_string(i), 1);
  Workers workers(broker, "q", 3);
  int64_t most = 0;
  while (workers.acked < 200) {
    workers.step();
    most = std::max(most,
                    broker.ticket_common->in_flight.value() + broker.ticket_common->kept.value());
  }
  EXPECT_LE(most, 6) << "three wait; as many may be there that nobody has come back for";
  EXPECT_LE(broker.ticket_common->returned.value(), 6u);
}

TEST_F(QueueOverStore, AStoreThatGoesAndComesBackLosesNoMessage) {
  const auto domain =
      out({node("all", "", {gcra(1'000'000, 1s, 1000)}), node("slot", "", {concurrency(5)})});
  const auto quick = [](store::Options& options) { options.deadline = 100ms; };
  Broker broker(server.port(), domain, "one", quick);
  broker.queue("rates", {"all=x"});
  broker.queue("slots", {"slot=x"});
  broker.send("rates", "r", 200);
  broker.send("slots", "s", 60);
  Workers rates(broker, "rates", 2), slots(broker, "slots", 2);
  while (rates.acked < 20 || slots.acked < 10) rates.step(), slots.step();
  server.kill();
  const base::Time later = broker.clock.now() + 300ms;
  while (broker.clock.now() < later) rates.step(), slots.step();
  server.start();
  const base::Time end = broker.clock.now() + 20s;
  while ((rates.acked < 200 || slots.acked < 60) && broker.clock.now() < end)
    rates.step(), slots.step();
  EXPECT_EQ(rates.acked, 200);
  EXPECT_EQ(slots.acked, 60);
}

}  // namespace

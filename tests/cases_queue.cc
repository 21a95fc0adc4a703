// The conformance cases of queues (tests/cases/queues.jsonl) that speak of behaviour, not of a
// protocol: played through a real shard over a disk in memory, with a told clock. Those of other
// projects' protocols wait for the rooms that speak them.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <thread>

#include "cases.h"
#include "engine/test_bed.h"

namespace cases {
namespace {

using engine::Delivery;
using engine::Dequeue;
using engine::Message;
using engine::node;
using engine::Request;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// BullMQ's `max` per `duration`: at once, then as they leave the window.
std::vector<limiter::DomainSpec> window(int64_t max, base::Duration duration) {
  limiter::DomainSpec domain;
  domain.name = "out";
  domain.nodes.push_back(node("queue", limit::SlidingLog::make({max, duration}).value()));
  return {domain};
}

// Workers that keep asking for work of queue "q".
class Workers {
 public:
  Workers(engine::TestBed& bed, size_t count) : bed_(bed), waiting_(count, nullptr) {}

  // Lets a millisecond pass; what was delivered is handed to `work`.
  template <typename Work>
  void step(Work&& work) {
    for (Request*& each : waiting_) {
      if (each == nullptr) each = &ask();
    }
    bed_.turn();
    for (Request*& each : waiting_) {
      if (!bed_.is_done(*each)) continue;
      for (const Delivery& got : std::get<Dequeue>(each->what).deliveries) work(got);
      each = nullptr;
    }
    bed_.pass(milliseconds(1));
  }
  Request& ask() {
    static const std::string_view kName = "q";
    Dequeue asked;
    asked.queues = {&kName, 1};
    asked.wait = seconds(300);
    return bed_.start(asked, 1);
  }

 private:
  engine::TestBed& bed_;
  std::vector<Request*> waiting_;
};

void limit_queue(engine::TestBed& bed) {
  bed.set("q", [](queue::Settings& s) { s.decide = {"out", {"queue={queue}"}}; });
}

const json::object& given(const json::object& the_case) { return the_case.at("given").as_object(); }

base::Duration ms_of(const json::object& from, std::string_view name) {
  return milliseconds(number(from, name));
}

void no_extra_delay(const json::object& the_case, Verdict& verdict) {
  const json::object& in = given(the_case);
  engine::TestBed bed({}, window(number(in, "max"), ms_of(in, "duration_ms")));
  limit_queue(bed);
  const int64_t jobs = number(in, "jobs");
  for (int64_t i = 0; i < jobs; ++i) bed.enqueue("q", "job");
  Workers workers(bed, static_cast<size_t>(number(in, "concurrency")));
  const base::Time began = bed.now;
  int64_t done = 0;
  while (done < jobs && bed.now - began < seconds(20)) {
    workers.step([&](const Delivery& got) {
      bed.ack(got);
      ++done;
    });
  }
  verdict.same("done", jobs, done);
  if (bed.now - began > seconds(12)) verdict.wrong("took longer than 12 s");
}

void quick_close(const json::object& the_case, Verdict& verdict) {
  const json::object& in = given(the_case);
  engine::TestBed bed({}, window(number(in, "max"), ms_of(in, "duration_ms")));
  limit_queue(bed);
  bed.enqueue("q", "a");
  bed.enqueue("q", "b");
  Workers workers(bed, 1);
  workers.step([&](const Delivery& got) { bed.ack(got); });
  const Request& waiting = workers.ask();
  bed.turn();
  bed.ask(engine::Leave{}, 1);  // The worker closes.
  if (!bed.is_done(waiting)) verdict.wrong("a limited worker does not close at once");
}

void dynamic(const json::object& the_case, Verdict& verdict) {
  const json::object& in = given(the_case);
  engine::TestBed bed({}, window(number(in, "max"), ms_of(in, "duration_ms")));
  limit_queue(bed);
  const int64_t jobs = number(in, "jobs");
  for (int64_t i = 0; i < jobs; ++i) bed.enqueue("q", "job");
  const limiter::Entry entry{"queue", "q"};
  Workers workers(bed, 1);
  const base::Time began = bed.now;
  int64_t done = 0;
  while (done < jobs && bed.now - began < seconds(30)) {
    workers.step([&](const Delivery& got) {
      if (got.attempt > 1) {
        bed.ack(got);
        ++done;
        return;
      }
      CHECK(bed.limiter->block("out", {&entry, 1}, bed.now + milliseconds(250), bed.now));
      engine::Requeue requeue;
      requeue.receipt = bed.receipt(got);
      bed.ask(requeue);
    });
  }
  verdict.same("done", jobs, done);
  const auto least = static_cast<int64_t>(0.95 * static_cast<double>(jobs * 250 + jobs * 100));
  if (bed.now - began < milliseconds(least)) verdict.wrong("faster than the limits allow");
}

void bounced_keeps_place(const json::object& the_case, Verdict& verdict) {
  const json::object& in = given(the_case);
  engine::TestBed bed({}, window(1000, seconds(1)));
  limit_queue(bed);
  for (const char* body : {"1", "2", "3", "4"}) {
    Message message;
    message.body = body;
    message.priority = 10;
    bed.enqueue("q", message);
  }
  const limiter::Entry entry{"queue", "q"};
  const auto first = bed.dequeue("q");
  CHECK(bed.limiter->block("out", {&entry, 1}, bed.now + ms_of(in, "dynamic_limit_ms"), bed.now));
  engine::Requeue requeue;
  requeue.receipt = bed.receipt(first.at(0));
  bed.ask(requeue);
  bed.pass(ms_of(in, "dynamic_limit_ms"));
  std::string order;
  for (const std::string& body : bed.bodies("q", 10)) order += body;
  verdict.same_text("order", "1234", order);
}

void pause_between(const json::object& the_case, Verdict& verdict) {
  const json::object& in = given(the_case);
  engine::TestBed bed({}, window(number(in, "max"), ms_of(in, "duration_ms")));
  limit_queue(bed);
  for (int64_t i = 0; i < number(in, "jobs"); ++i) bed.enqueue("q", "job");
  Workers workers(bed, static_cast<size_t>(number(in, "workers")));
  for (int i = 0; i < 500; ++i) workers.step([&](const Delivery& got) { bed.ack(got); });
  bed.set("q", [](queue::Settings& s) { s.paused_out = true; });
  bed.pass(seconds(10));
  const engine::Stats stats = bed.stats("q");
  verdict.same("completed", 1, static_cast<int64_t>(stats.totals.acked));
  verdict.same("wait", 3, static_cast<int64_t>(stats.row.depths.ready));
}

void priority_kept(const json::object& the_case, Verdict& verdict) {
  const json::object& in = given(the_case);
  engine::TestBed bed({}, window(number(in, "max"), ms_of(in, "duration_ms")));
  limit_queue(bed);
  const int64_t jobs = number(in, "jobs");
  for (int64_t i = 0; i < jobs; ++i) {
    const std::string body = std::to_string(i % 4 + 1);
    Message message;
    message.body = body;
    message.priority = static_cast<uint32_t>(i % 4 + 1);
    bed.enqueue("q", message);
  }
  Workers workers(bed, 1);
  std::string order;
  for (int i = 0; i < 1000 && order.size() < static_cast<size_t>(jobs); ++i) {
    workers.step([&](const Delivery& got) {
      order += engine::TestBed::body(got);
      bed.ack(got);
    });
  }
  verdict.same("done", jobs, static_cast<int64_t>(order.size()));
  if (!std::is_sorted(order.begin(), order.end()))
    verdict.wrong("a job ran before one of better priority: " + order);
}

void rate_property(const json::object& the_case, Verdict& verdict) {
  static const std::map<std::string, Player, std::less<>> kBy = {
      {"rate/bullmq_no_extra_delay", no_extra_delay},
      {"rate/bullmq_quick_close", quick_close},
      {"rate/bullmq_dynamic", dynamic},
      {"rate/bullmq_dynamic_priority_fifo", bounced_keeps_place},
      {"rate/bullmq_pause_between", pause_between},
      {"rate/bullmq_priority_kept", priority_kept}};
  const auto found = kBy.find(text(the_case, "id"));
  if (found == kBy.end()) return verdict.wrong("nobody plays it");
  found->second(the_case, verdict);
}

// inngest's GCRA: `burst` units beyond one at a time; hints in whole milliseconds.
void gcra_vector(const json::object& the_case, Verdict& verdict) {
  const json::object& in = given(the_case);
  const auto law =
      limit::Gcra::make({number(in, "limit"), ms_of(in, "period_ms")}, number(in, "burst") + 1);
  limit::GcraState state;
  const base::Time now = base::time_from(kStart);
  std::vector<limit::Decision> answers;
  const size_t steps = has(in, "steps") ? in.at("steps").as_array().size() : 1;
  for (size_t i = 0; i < steps; ++i) {
    const int64_t cost = has(in, "steps") ? in.at("steps").as_array()[i].to_number<int64_t>()
                                          : number(in, "quantity");
    const auto proposal = law->check(state, now, cost);
    if (proposal.decision.allowed) state = proposal.next;
    answers.push_back(proposal.decision);
  }
  const json::object& expect = the_case.at("expect").as_object();
  const auto compare = [&](const json::object& wanted, const limit::Decision& got) {
    verdict.same("limited", number(wanted, "limited"), got.allowed ? 0 : 1);
    if (has(wanted, "remaining"))
      verdict.same("remaining", number(wanted, "remaining"), got.remaining);
    if (has(wanted, "reset_after_ms"))
      verdict.same("reset_after_ms", number(wanted, "reset_after_ms"),
                   base::ceil_ms(got.reset_after));
    if (has(wanted, "retry_after_ms"))
      verdict.same("retry_after_ms", number(wanted, "retry_after_ms"),
                   base::ceil_ms(got.retry_after));
    if (has(wanted, "tat")) {
      const std::string tat = text(wanted, "tat");  // "T+6000"
      verdict.same("tat", std::stoll(tat.substr(2)), base::ceil_ms(got.reset_after));
    }
  };
  if (has(expect, "limited")) compare(expect, answers.at(0));
  if (has(expect, "first")) compare(expect.at("first").as_object(), answers.at(0));
  if (has(expect, "second")) compare(expect.at("second").as_object(), answers.at(1));
}

void all_or_nothing(const json::object& the_case, Verdict& verdict) {
  const json::object& in = given(the_case);
  limiter::DomainSpec domain;
  domain.name = "out";
  for (const auto& [key, units] : in.at("values").as_object()) {
    domain.nodes.push_back(
        node(std::string(key),
             limit::FixedWindow::make({units.to_number<int64_t>(), hours(24)}).value()));
  }
  limiter::Limiter limiter{limiter::LimiterOptions{}};
  CHECK(limiter.reload({domain}).empty());
  const limiter::Entry one{"key1", ""}, two{"key2", ""};
  const limiter::Descriptor both[] = {{&one, 1}, {&two, 1}};
  std::atomic<int64_t> taken{0};
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < number(in, "threads"); ++i) {
    threads.emplace_back([&] {
      const auto got = limiter.take({.domain = "out", .descriptors = both}, {.holds = false},
                                    base::time_from(kStart));
      if (got && !*got) ++taken;
    });
  }
  for (std::thread& each : threads) each.join();
  verdict.same("succeeded", number(in, "threads"), taken);
  const auto more = limiter.take({.domain = "out", .descriptors = both}, {.holds = false},
                                 base::time_from(kStart));
  if (more && !*more) verdict.wrong("more than exactly all was left");
}

}  // namespace

std::vector<double> delays(const queue::Backoff& backoff, size_t failures) {
  engine::TestBed bed;
  bed.set("q", [&](queue::Settings& s) { s.backoff = backoff; });
  bed.enqueue("q", "m");
  std::vector<double> out;
  for (size_t i = 0; i < failures; ++i) {
    const auto got = bed.dequeue("q", 1, seconds(30));
    CHECK(got.size() == 1 && bed.nack(got[0]));
    engine::Show show;
    show.number = got[0].number;
    const base::Time due = bed.ask(show).shown.standing.at;
    out.push_back(std::chrono::duration<double>(due - bed.now).count());
    bed.pass(due - bed.now);
  }
  return out;
}

namespace {

double seconds_of(std::string_view text) {  // "6h7m6s"
  double sum = 0;
  double number = 0;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      number = number * 10 + (c - '0');
      continue;
    }
    sum += number * (c == 'h' ? 3600 : c == 'm' ? 60 : 1);
    number = 0;
  }
  return sum;
}

void backoff_vector(const json::object& the_case, Verdict& verdict) {
  const json::object& expect = the_case.at("expect").as_object();
  if (has(expect, "delays_ms")) {
    return verdict.differs(
        "back-off grows by a factor, not by a step: first and longest delay can "
        "be the same, those between are not");
  }
  const auto got = delays(
      {.base = milliseconds(12'182), .factor_milli = 12'182, .max = hours(24), .jitter_ppm = 0},
      expect.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const double wanted = seconds_of(text(expect, std::to_string(i + 1)));
    // The factor has three decimals.
    verdict.near("delay " + std::to_string(i + 1), std::llround(wanted), std::llround(got[i]),
                 1 + std::llround(wanted / 2000));
  }
}

void backoff_formula(const json::object&, Verdict& verdict) {
  verdict.differs("back-off is base times a factor, not a polynomial; its jitter is relative");
}

void redelivery_counters(const json::object& the_case, Verdict& verdict) {
  const json::object& in = given(the_case);
  const json::array& events = in.at("events").as_array();
  const json::object& expect = the_case.at("expect").as_object();
  for (size_t i = 0; i < events.size(); ++i) {
    const std::string event(events[i].as_string());
    engine::TestBed bed;
    bed.enqueue("q", "m");
    const bool lost =
        event == "client crash or connection loss" || event == "network partition suspected";
    Dequeue asked;
    const std::string_view name = "q";
    asked.queues = {&name, 1};
    if (lost) asked.lease = base::Duration(0);  // Ends with the connection.
    const Delivery got = bed.ask(asked, 7).deliveries.at(0);
    if (lost) {
      bed.ask(engine::Leave{}, 7);
    } else if (event == "released" || event == "modified(delivery-failed=false)" ||
               event == "basic.reject" || event == "basic.nack") {
      engine::Requeue requeue;
      requeue.receipt = bed.receipt(got);
      bed.ask(requeue);
    } else if (event == "consumer timeout") {
      bed.pass(seconds(31));
    } else {
      bed.nack(got, base::Duration(0));
    }
    engine::Show show;
    show.number = got.number;
    const queue::Standing standing = bed.ask(show).shown.standing;
    verdict.same(event + ": delivered", 1, standing.delivered);
    const bool counts = expect.at("delivery_count_increments").as_array()[i].as_bool();
    if (counts == (standing.failed == 1)) continue;
    if (event == "client crash or connection loss") {
      verdict.differs("a connection that ends is no failure of its message (docs/decisions/0009)");
    } else if (event == "consumer timeout") {
      verdict.differs("a lease that runs out is a failure (docs/decisions/0009)");
    } else if (event == "basic.nack" || event == "basic.reject") {
      verdict.differs("a requeue is no failure, whatever verb asks for it");
    } else if (event == "rejected") {
      verdict.differs("a nack is a failure");
    } else {
      verdict.wrong(event + ": failed is " + std::to_string(standing.failed));
    }
  }
}

TEST(QueueCases, AreAnsweredAsOthersAnswerThemOrDifferOnPurpose) {
  const std::map<std::string, Player, std::less<>> players = {
      {"rate-limit-property", rate_property},       {"gcra-vector", gcra_vector},
      {"all-or-nothing-limits", all_or_nothing},    {"backoff-vector", backoff_vector},
      {"backoff-formula", backoff_formula},         {"redelivery-counters", redelivery_counters},
      {"standard-webhooks", play_standard_webhooks}};
  const std::set<std::string, std::less<>> of_others = {"beanstalkd", "sqs", "disque-resp",
                                                        "faktory-resp", "sqs-md5"};
  std::ifstream file(RATELIMMQ_SOURCE_DIR "/tests/cases/queues.jsonl");
  size_t played = 0, waiting = 0;
  for (std::string line; std::getline(file, line);) {
    const json::object the_case = json::parse(line).as_object();
    const std::string protocol = text(the_case, "protocol"), id = text(the_case, "id");
    const auto player = players.find(protocol);
    if (player == players.end()) {
      EXPECT_TRUE(of_others.contains(protocol)) << id << ": nobody plays " << protocol;
      ++waiting;
      continue;
    }
    Verdict verdict;
    player->second(the_case, verdict);
    for (const std::string& wrong : verdict.wrongs) ADD_FAILURE() << id << ": " << wrong;
    for (const std::string& reason : verdict.reasons)
      std::cout << id << " differs on purpose: " << reason << '\n';
    ++played;
  }
  EXPECT_EQ(played, 18u);
  std::cout << played << " played, " << waiting << " of protocols that nothing speaks yet\n";
}

}  // namespace
}  // namespace cases

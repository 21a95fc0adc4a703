#include "history/reader.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/hash.h"
#include "base/number.h"
#include "history/words.h"

namespace history {
namespace {

constexpr uint64_t kSeed = 0x68697374;

// One verb: reads what stands behind it and adds the event.
struct Verb {
  std::string_view name;
  void (*read)(Words& words, Where where, History& to);
};

void read_enqueue(Words& words, Where where, History& to) {
  Enqueue& event = to.enqueues.emplace_back();
  event.where = where;
  event.span = words.span();
  event.outcome = words.outcome();
  event.queue = words.name();
  event.payload = words.name();
  while (words.option()) {
    if (words.is("id"))
      event.id = words.text();
    else if (words.is("key"))
      event.key = words.text();
    else if (words.is("tag"))
      event.tag = words.text();
    else if (words.is("priority"))
      event.priority = words.small();
    else if (words.is("delay"))
      event.delay = words.milliseconds();
    else if (words.is("ttl"))
      event.ttl = words.milliseconds();
    else if (words.is("dedup"))
      event.dedup = words.text();
    else if (words.is("cost"))
      event.cost = words.integer();
    else if (words.is("attempts"))
      event.attempts = static_cast<uint16_t>(words.small());
    else if (words.is("within"))
      event.within = words.milliseconds();
    else
      words.unknown();
  }
  if (event.outcome == Outcome::kOk && event.id == 0) words.fail("an enqueue that is ok has an id");
}

void read_deliver(Words& words, Where where, History& to) {
  Deliver& event = to.deliveries.emplace_back();
  event.where = where;
  event.span = words.span();
  event.queue = words.name();
  event.id = words.name();
  event.receipt = words.name();
  event.payload = words.name();
  while (words.option()) {
    if (words.is("conn"))
      event.conn = words.text();
    else if (words.is("attempt"))
      event.attempt = words.small();
    else if (words.is("until"))
      event.until = words.milliseconds();
    else if (words.is("lease"))
      event.lease = words.milliseconds();
    else if (words.is("enqueued"))
      event.enqueued = words.milliseconds();
    else if (words.is("granted"))
      event.granted = words.integer();
    else if (words.is("key"))
      event.key = words.text();
    else if (words.is("priority"))
      event.priority = words.small();
    else
      words.unknown();
  }
}

template <Settling verb>
void read_settle(Words& words, Where where, History& to) {
  Settle& event = to.settles.emplace_back();
  event.where = where;
  event.span = words.span();
  event.outcome = words.outcome();
  event.receipt = words.name();
  event.verb = verb;
  while (words.option()) {
    if (words.is("delay"))
      event.delay = words.milliseconds();
    else if (words.is("until"))
      event.until = words.milliseconds();
    else if (verb == Settling::kNack && words.is("dead")) {
      if (words.integer() != 0) event.verb = Settling::kNackDead;
    } else
      words.unknown();
  }
}

template <std::vector<Act> History::*list>
void read_act(Words& words, Where where, History& to) {
  const Span span = words.span();
  const Outcome outcome = words.outcome();
  (to.*list).push_back({where, span, words.name(), outcome});
}

void read_unanswered(Words& words, Where where, History& to) {
  const Span span = words.span();
  const Outcome outcome = words.outcome();
  if (outcome != Outcome::kInfo) words.fail("a dequeue with an answer is written as deliver");
  for (const Name queue : words.names()) to.unanswered.push_back({where, span, queue, outcome});
}

void read_close(Words& words, Where where, History& to) {
  const Span span = words.span();
  to.closes.push_back({where, span, words.name(), Outcome::kOk});
}

void read_check(Words& words, Where where, History& to) {
  Check& event = to.checks.emplace_back();
  event.where = where;
  event.span = words.span();
  event.outcome = words.outcome();
  event.limit = words.name();
  event.value = words.name();
  while (words.option()) {
    if (words.is("cost"))
      event.cost = words.integer();
    else
      words.unknown();
  }
}

void read_start(Words& words, Where where, History& to) {
  const Span span = words.span();
  to.starts.push_back({where, span, 0, Outcome::kOk});
  while (words.option()) {
    if (words.is("within"))
      to.promises.push_back({where, span.from, words.milliseconds(), 0, true});
    else
      words.unknown();
  }
}

void read_wake(Words& words, Where where, History& to) {
  Promise& event = to.promises.emplace_back();
  event.where = where;
  event.from = words.instant();
  event.queue = words.name();
  while (words.option()) {
    if (words.is("within"))
      event.within = words.milliseconds();
    else
      words.unknown();
  }
}

// Units held, and units left.
void read_sample(Words& words, Where where, History& to) {
  Sample& event = to.samples.emplace_back();
  event.where = where;
  event.span = words.span();
  event.limit = words.name();
  event.value = words.name();
  event.number = words.instant();
}

void read_kill(Words& words, Where where, History& to) {
  const Instant at = words.instant();
  to.ends.push_back({where, {at, at}, 0, Outcome::kInfo});
}

void read_stop(Words& words, Where where, History& to) {
  to.ends.push_back({where, words.span(), 0, Outcome::kOk});
}

void read_clock(Words& words, Where where, History& to) {
  const Span span = words.span();
  to.clocks.push_back({where, span, words.instant()});
}

void read_drained(Words& words, Where where, History& to) {
  const Instant at = words.instant();
  if (words.at_end()) to.drained.push_back({where, {at, at}, 0, Outcome::kOk});
  while (!words.at_end()) to.drained.push_back({where, {at, at}, words.name(), Outcome::kOk});
}

void read_present(Words& words, Where where, History& to) {
  const Instant at = words.instant();
  const Name queue = words.name();
  to.present.push_back({where, at, queue, words.name()});
  words.name();  // The state, for people.
}

void read_counts(Words& words, Where where, History& to) {
  Counts& event = to.counts.emplace_back();
  event.where = where;
  event.span = words.span();
  event.queue = words.name();
  while (words.option()) {
    if (words.is("enqueued"))
      event.enqueued = words.integer();
    else if (words.is("ready"))
      event.ready = words.integer();
    else if (words.is("delayed"))
      event.delayed = words.integer();
    else if (words.is("leased"))
      event.leased = words.integer();
    else if (words.is("dead"))
      event.dead = words.integer();
    else if (words.is("gone"))
      event.gone = words.integer();
    else
      words.unknown();
  }
}

void read_queue(Words& words, Where where, History& to) {
  QueueRule& rule = to.queues.emplace_back();
  rule.where = where;
  words.instant();
  rule.queue = words.name();
  while (words.option()) {
    if (words.is("in_flight_per_key"))
      rule.in_flight_per_key = words.small();
    else if (words.is("dedup_window"))
      rule.dedup_window = words.milliseconds();
    else if (words.is("durability"))
      rule.in_memory = words.value() == "memory";
    else
      words.unknown();
  }
}

By by_of(Words& words) {
  constexpr std::array<std::string_view, 4> kBy{"all", "queue", "key", "tag"};
  const auto* const found = std::find(kBy.begin(), kBy.end(), words.value());
  if (found == kBy.end()) {
    words.fail("by= is all, queue, key or tag");
    return By::kAll;
  }
  return static_cast<By>(found - kBy.begin());
}

void read_limit(Words& words, Where where, History& to) {
  Limit& limit = to.limits.emplace_back();
  limit.where = where;
  limit.since = words.span();
  limit.name = words.name();
  const auto rate = [&](Law law) {
    limit.law = law;
    std::tie(limit.count, limit.period) = words.rate();
  };
  while (words.option()) {
    if (words.is("gcra"))
      rate(Law::kGcra);
    else if (words.is("sliding"))
      rate(Law::kSliding);
    else if (words.is("fixed"))
      rate(Law::kFixed);
    else if (words.is("concurrency")) {
      limit.law = Law::kConcurrency;
      limit.count = words.integer();
    } else if (words.is("burst"))
      limit.burst = words.integer();
    else if (words.is("excess"))
      limit.excess = words.integer();
    else if (words.is("by"))
      limit.by = by_of(words);
    else if (words.is("queues"))
      limit.queues = words.texts();
    else if (words.is("counts"))
      limit.requests = words.value() == "requests";
    else if (words.is("durable"))
      limit.durable = words.integer() != 0;
    else
      words.unknown();
  }
  if (limit.count <= 0) words.fail("a limit has gcra=, sliding=, fixed= or concurrency=");
}

void read_busy(Words& words, Where where, History& to) {
  const Span span = words.span();
  const Name limit = words.name();
  to.busy.push_back({where, span, limit, words.name()});
}

void read_backlog(Words& words, Where where, History& to) {
  Backlog& event = to.backlogs.emplace_back();
  event.where = where;
  event.span = words.span();
  event.queue = words.name();
  event.key = words.name();
  while (words.option()) {
    if (words.is("weight"))
      event.weight = words.integer();
    else
      words.unknown();
  }
  if (event.weight <= 0) words.fail("a weight is above 0");
}

// The most frequent ones first.
constexpr Verb kVerbs[] = {
    {"deliver", read_deliver},
    {"enqueue", read_enqueue},
    {"ack", read_settle<Settling::kAck>},
    {"check", read_check},
    {"nack", read_settle<Settling::kNack>},
    {"requeue", read_settle<Settling::kRequeue>},
    {"extend", read_settle<Settling::kExtend>},
    {"dequeue", read_unanswered},
    {"close", read_close},
    {"remove", read_act<&History::removals>},
    {"purge", read_act<&History::purges>},
    {"redrive", read_act<&History::redrives>},
    {"present", read_present},
    {"counts", read_counts},
    {"clock", read_clock},
    {"start", read_start},
    {"kill", read_kill},
    {"stop", read_stop},
    {"drained", read_drained},
    {"queue", read_queue},
    {"limit", read_limit},
    {"held", read_sample},
    {"left", read_sample},
    {"wake", read_wake},
    {"busy", read_busy},
    {"backlog", read_backlog},
};

}  // namespace

Name name_of(std::string_view word) {
  const Name hash = base::hash128(word, kSeed).low;
  return hash == 0 ? 1 : hash;
}

void Reader::begin_file() {
  ++where_.file;
  where_.line = 0;
  rest_.clear();
}

base::Status Reader::feed(std::string_view bytes) {
  for (size_t end = 0; (end = bytes.find('\n')) != std::string_view::npos;) {
    const std::string_view head = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    if (rest_.empty()) {
      if (auto status = line(head); status.has_error()) return status;
      continue;
    }
    rest_.append(head);
    if (auto status = line(rest_); status.has_error()) return status;
    rest_.clear();
  }
  if (rest_.size() + bytes.size() > kLineBytesMax) return base::invalid("the line is too long");
  rest_.append(bytes);
  return {};
}

base::Status Reader::end_file() {
  if (!rest_.empty()) {
    ++where_.line;
    return base::invalid("the last line has no end");
  }
  if (where_.line == 0) return base::invalid("the file is empty");
  return {};
}

base::Status Reader::line(std::string_view text) {
  ++where_.line;
  if (where_.line == 1) {
    if (text != "history 1") return base::invalid("this is no history: line 1 is not 'history 1'");
    return {};
  }
  if (text.empty() || text.front() == '#') return {};
  Words words(text);
  const std::string_view name = words.next();
  const auto* const verb = std::find_if(std::begin(kVerbs), std::end(kVerbs),
                                        [&](const Verb& v) { return v.name == name; });
  if (verb == std::end(kVerbs)) return base::invalid("unknown event '" + std::string(name) + "'");
  verb->read(words, where_, history_);
  ++history_.events;
  return words.status();
}

}  // namespace history

#include "command/queue_records.h"

#include <algorithm>

#include "base/check.h"
#include "command/records.h"
#include "engine/record.h"

namespace command {
namespace {

using protocol::Writer;

int64_t floor_ms(base::Time t) { return base::nanoseconds(t) / 1'000'000; }

void instant_or_nil(int64_t ms, base::Time t, Writer& writer) {
  t == base::Time() || t == base::Time::max() ? writer.nil() : writer.integer(ms);
}
// A time until which something holds is never told late, one from which it may be is never early.
void until(base::Time t, Writer& writer) { instant_or_nil(floor_ms(t), t, writer); }
void from(base::Time t, Writer& writer) {
  instant_or_nil(base::ceil_ms(t.time_since_epoch()), t, writer);
}

void text_or_nil(std::string_view text, Writer& writer) {
  text.empty() ? writer.nil() : writer.text(text);
}

void write_headers(std::span<const engine::Header> headers, Writer& writer) {
  writer.record(headers.size());
  for (const engine::Header& header : headers) writer.field(header.name).text(header.value);
}

engine::Stored decoded(const std::string& record) {
  base::Result<engine::Stored> stored = engine::decode_message(record);
  CHECK(stored.has_value());  // The engine has read it before.
  return *std::move(stored);
}

struct Event {
  base::Time at;
  std::string_view name;
};

// What is known: no past leases and failures are kept on disk, only how often they were.
void write_history(const engine::Stored& stored, const queue::Standing& standing, Writer& writer) {
  std::array<Event, 3> events = {{{stored.enqueued, "enqueued"}}};
  size_t n = 1;
  const bool delayed = standing.state == queue::State::kDelayed;
  if (stored.due > stored.enqueued && !delayed) events[n++] = {stored.due, "due"};
  if (delayed) events[n++] = {standing.at, "due"};
  if (standing.state == queue::State::kDead) events[n++] = {standing.at, "dead"};
  if (standing.state == queue::State::kLeased) events[n++] = {standing.at, "lease_over"};
  if (standing.state == queue::State::kReady && standing.delivered > 0) {
    events[n++] = {standing.at, "ready"};
  }
  const auto known = std::span(events).first(n);
  const auto timed = [](const Event& event) { return event.at != base::Time::max(); };
  writer.list(static_cast<size_t>(std::ranges::count_if(known, timed)));
  for (const Event& event : known) {
    if (!timed(event)) continue;
    writer.record(2).field("at_ms").integer(floor_ms(event.at)).field("event").text(event.name);
  }
}

std::string_view paused(const queue::Settings& settings) {
  if (settings.paused_in && settings.paused_out) return "both";
  if (settings.paused_in) return "in";
  return settings.paused_out ? "out" : "";
}

int64_t whole(uint64_t n) { return static_cast<int64_t>(n); }

}  // namespace

void write_delivery(const engine::Delivery& delivery, uint32_t shard, Writer& writer) {
  const engine::Stored stored = decoded(delivery.record);
  const engine::Receipt receipt{shard, delivery.number, delivery.attempt, delivery.start};
  writer.record(10).field("queue").text(delivery.queue);
  writer.field("id").text(engine::spell(engine::MessageId{shard, delivery.number}));
  writer.field("receipt").text(engine::spell(receipt));
  writer.field("body").text(stored.body).field("key");
  text_or_nil(stored.key, writer);
  writer.field("attempt").integer(delivery.attempt).field("priority").integer(stored.priority);
  writer.field("enqueued_at_ms").integer(floor_ms(stored.enqueued)).field("lease_until_ms");
  until(delivery.lease_until, writer);
  writer.field("headers");
  write_headers(stored.headers, writer);
}

void write_shown(const engine::Shown& shown, ShownTerms terms, Writer& writer) {
  const engine::Stored stored = decoded(shown.record);
  const queue::Standing& standing = shown.standing;
  writer.record(14u + terms.body).field("id");
  writer.text(engine::to_string(engine::MessageId{terms.shard, shown.number}));
  writer.field("queue").text(shown.queue).field("state").text(queue::to_string(standing.state));
  writer.field("key");
  text_or_nil(stored.key, writer);
  writer.field("priority").integer(stored.priority);
  writer.field("attempt").integer(standing.delivered).field("failed").integer(standing.failed);
  writer.field("enqueued_at_ms").integer(floor_ms(stored.enqueued)).field("due_at_ms");
  from(standing.state == queue::State::kDelayed ? standing.at : stored.due, writer);
  writer.field("expires_at_ms");
  until(shown.expires, writer);
  writer.field("lease_until_ms");
  until(standing.state == queue::State::kLeased ? standing.at : base::Time(), writer);
  writer.field("reason");
  text_or_nil(shown.reason, writer);
  writer.field("headers");
  write_headers(stored.headers, writer);
  writer.field("history");
  write_history(stored, standing, writer);
  if (terms.body) writer.field("body").text(stored.body);
}

void write_why_message(const engine::Why& why, Writer& writer) {
  writer.record(6).field("state").text(queue::to_string(why.state));
  writer.field("reason").text(engine::to_string(why.reason)).field("limited_by");
  text_or_nil(why.limited_by, writer);
  writer.field("until_ms");
  from(why.until, writer);
  writer.field("ahead").integer(whole(why.ahead)).field("estimate").truth(why.estimate);
}

void write_queue_fields(const engine::QueueRow& row, base::Time now, Writer& writer) {
  writer.field("queue").text(row.name);
  writer.field("ready").integer(whole(row.depths.ready));
  writer.field("delayed").integer(whole(row.depths.delayed));
  writer.field("leased").integer(whole(row.depths.leased));
  writer.field("dead").integer(whole(row.depths.dead)).field("oldest_age_ms");
  if (row.oldest == base::Time()) {
    writer.nil();
  } else {
    writer.integer(std::max<int64_t>(0, (now - row.oldest).count() / 1'000'000));
  }
  writer.field("bytes").integer(whole(row.depths.bytes)).field("paused");
  text_or_nil(paused(row.settings), writer);
}

void write_totals(const engine::Stats::Totals& totals, Writer& writer) {
  writer.field("enqueued").integer(whole(totals.enqueued));
  writer.field("deduplicated").integer(whole(totals.deduplicated));
  writer.field("delivered").integer(whole(totals.delivered));
  writer.field("acked").integer(whole(totals.acked));
  writer.field("failed").integer(whole(totals.failed));
  writer.field("requeued").integer(whole(totals.requeued));
  writer.field("lease_over").integer(whole(totals.lease_over));
  writer.field("expired").integer(whole(totals.expired));
  writer.field("dead_total").integer(whole(totals.dead));
  writer.field("redriven").integer(whole(totals.redriven));
  writer.field("removed").integer(whole(totals.removed));
  writer.field("purged").integer(whole(totals.purged));
}

void write_check(const engine::Check& check, Writer& writer) {
  limiter::Answer answer;
  answer.allowed = check.allowed;
  answer.matched = check.matched;
  answer.limited_by = check.limited_by;
  answer.numbers = check.numbers;
  answer.decided_by = check.decided_by;
  write_decision(answer, writer);
}

std::vector<engine::QueueRow> merged_rows(std::span<engine::Request> requests, size_t count) {
  std::vector<engine::QueueRow> rows;
  for (engine::Request& request : requests) {
    auto& some = std::get<engine::ListQueues>(request.what).rows;
    std::ranges::move(some, std::back_inserter(rows));
  }
  std::ranges::sort(rows, {}, &engine::QueueRow::name);
  if (rows.size() > count) rows.resize(count);
  return rows;
}

}  // namespace command

// The messages' routes: each asks the same of the shards as its verb.
#include <algorithm>

#include "command/forage.h"
#include "command/http_errand.h"
#include "command/http_fields.h"
#include "command/http_limits.h"
#include "command/http_problem.h"
#include "command/queue_bounds.h"
#include "command/queue_records.h"
#include "command/records.h"

namespace command {
namespace {

using protocol::Wire;
using protocol::Writer;
using Requests = std::span<engine::Request>;

uint32_t shards_of(const HttpCall& call) { return call.services.shards->count(); }

HttpAnswer record_answer(const std::function<void(Writer&)>& write) {
  HttpAnswer answer;
  Writer writer(Wire::kJson, answer.body);
  write(writer);
  return answer;
}

// ---- POST /v1/queues/{q}/messages

engine::Message kept(Arena& arena, const engine::Message& message) {
  engine::Message copy = message;
  copy.body = arena.keep(message.body);
  copy.key = arena.keep(message.key);
  copy.dedup = arena.keep(message.dedup);
  const auto headers = arena.array<engine::Header>(message.headers.size());
  for (size_t i = 0; i < headers.size(); ++i) {
    headers[i] = {arena.keep(message.headers[i].name), arena.keep(message.headers[i].value)};
  }
  copy.headers = headers;
  return copy;
}

HttpAnswer enqueued(Requests requests) {
  const auto& numbers = std::get<engine::Enqueue>(requests.front().what).numbers;
  const uint32_t shard = requests.front().shard;
  HttpAnswer answer = record_answer([&](Writer& writer) {
    writer.record(1).field("ids").list(numbers.size());
    for (const queue::Number number : numbers) {
      writer.text(engine::to_string(engine::MessageId{shard, number}));
    }
  });
  answer.status = 201;
  answer.headers.emplace_back(
      "Location", "/v1/messages/" + engine::to_string(engine::MessageId{shard, numbers.front()}));
  return answer;
}

// ---- POST /v1/dequeue

HttpAnswer delivered(const base::Result<std::vector<Found>>& found) {
  if (!found) return problem_answer(found.error());
  return record_answer([&](Writer& writer) {
    writer.record(1).field("messages").list(found->size());
    for (const Found& one : *found) write_delivery(one.delivery, one.shard, writer);
  });
}

// ---- ack, nack, extend, requeue: one request for each receipt that could be one.

using Places = std::vector<std::optional<size_t>>;  // Of each receipt's request.

void write_result(const engine::Request* request, Writer& writer) {
  const auto* const ack = request == nullptr ? nullptr : std::get_if<engine::Ack>(&request->what);
  const auto* const extend =
      request == nullptr ? nullptr : std::get_if<engine::Extend>(&request->what);
  const bool stale = request == nullptr || (ack != nullptr && request->status && !ack->done[0]);
  const bool ok = !stale && request->status;
  writer.field("ok").truth(ok);
  if (ok && extend != nullptr) {
    writer.field("lease_until_ms").integer(base::nanoseconds(extend->lease_until) / 1'000'000);
  } else if (!ok) {
    const base::Code code = stale ? base::Code::kStale : request->status.error().code;
    writer.field("code").text(protocol::prefix(code));
  }
}

HttpAnswer results(Requests requests, std::span<const std::string_view> receipts,
                   const Places& places) {
  return record_answer([&](Writer& writer) {
    writer.record(1).field("results").list(receipts.size());
    for (size_t i = 0; i < receipts.size(); ++i) {
      const engine::Request* const request = places[i] ? &requests[*places[i]] : nullptr;
      const bool extended = request != nullptr && request->status &&
                            std::holds_alternative<engine::Extend>(request->what);
      const bool acked = request != nullptr && request->status &&
                         std::holds_alternative<engine::Ack>(request->what) &&
                         std::get<engine::Ack>(request->what).done[0];
      const bool plain = request != nullptr && request->status &&
                         !std::holds_alternative<engine::Ack>(request->what) && !extended;
      writer.record(acked || plain ? 2 : 3).field("receipt").text(receipts[i]);
      write_result(request, writer);
    }
  });
}

template <typename What>
void settle(HttpCall& call,
            const std::function<void(What&, const engine::Receipt&, Arena&)>& fill) {
  auto errand = std::make_shared<HttpErrand>();
  Arena& arena = errand->arena();
  const auto texts = call.body().texts;
  const auto receipts = arena.array<std::string_view>(texts.size());
  auto places = std::make_shared<Places>(texts.size());
  size_t n = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    receipts[i] = arena.keep(texts[i]);
    const auto receipt = engine::parse_receipt(texts[i]);
    if (!receipt || receipt->shard >= shards_of(call)) continue;
    fill(errand->add<What>(receipt->shard), *receipt, arena);
    (*places)[i] = n++;
  }
  if (n == 0) return call.reply(results({}, receipts, *places));
  HttpErrand::send(
      std::move(errand), call,
      [receipts, places](Requests requests) { return results(requests, receipts, *places); },
      {.strict = false});
}

// ---- Messages by id

template <typename What>
void ask_message(HttpCall& call, HttpErrand::Answer answer) {
  const auto id = engine::parse_id(call.id);
  if (!id || id->shard >= shards_of(call)) {
    return call.reply(problem_answer(
        base::Error{base::Code::kNotFound, "there is no message '" + shown(call.id) + "'", "id"}));
  }
  auto errand = std::make_shared<HttpErrand>();
  errand->add<What>(id->shard).number = id->number;
  HttpErrand::send(std::move(errand), call, std::move(answer), {});
}

}  // namespace

void http_enqueue(HttpCall& call) {
  if (!good_queue(call)) return;
  auto errand = std::make_shared<HttpErrand>();
  Arena& arena = errand->arena();
  const auto messages = arena.array<engine::Message>(call.bodies.size());
  for (size_t i = 0; i < messages.size(); ++i) messages[i] = kept(arena, call.bodies[i].message);
  const std::string_view queue = arena.keep(call.id);
  auto& enqueue = errand->add<engine::Enqueue>(engine::shard_of(queue, shards_of(call)));
  enqueue.queue = queue;
  enqueue.messages = messages;
  HttpErrand::send(std::move(errand), call, enqueued, {});
}

void http_dequeue(HttpCall& call) {
  const Body& body = call.body();
  ForageTerms terms{.queues = {body.texts.begin(), body.texts.end()},
                    .count = body.has(kBodyCount) ? static_cast<uint32_t>(body.count) : 1,
                    .wait = std::chrono::milliseconds(body.wait_ms),
                    .lease = {},
                    .connection = call.caller.connection_id};
  if (body.has(kBodyLeaseMs)) terms.lease = std::chrono::milliseconds(body.lease_ms);
  Forage::begin(*call.services.shards, std::move(terms),
                [reply = call.reply](const base::Result<std::vector<Found>>& found) {
                  reply(delivered(found));
                });
}

void http_ack(HttpCall& call) {
  settle<engine::Ack>(call, [](engine::Ack& ack, const engine::Receipt& receipt, Arena& arena) {
    const auto one = arena.array<engine::Receipt>(1);
    one[0] = receipt;
    ack.receipts = one;
  });
}

void http_nack(HttpCall& call) {
  const Body& body = call.body();
  settle<engine::Nack>(call, [&](engine::Nack& nack, const engine::Receipt& receipt, Arena& arena) {
    nack.receipt = receipt;
    if (body.has(kBodyDelayMs)) nack.delay = body.message.delay;
    nack.reason = arena.keep(body.reason);
    nack.dead = body.dead;
  });
}

void http_extend(HttpCall& call) {
  const base::Duration lease = std::chrono::milliseconds(call.body().lease_ms);
  settle<engine::Extend>(call, [&](engine::Extend& extend, const engine::Receipt& receipt, Arena&) {
    extend.receipt = receipt;
    extend.lease = lease;
  });
}

void http_requeue(HttpCall& call) {
  const base::Duration delay = call.body().message.delay;
  settle<engine::Requeue>(call,
                          [&](engine::Requeue& requeue, const engine::Receipt& receipt, Arena&) {
                            requeue.receipt = receipt;
                            requeue.delay = delay;
                          });
}

void http_show(HttpCall& call) {
  ask_message<engine::Show>(call, [](Requests requests) {
    const auto& shown = std::get<engine::Show>(requests[0].what).shown;
    return record_answer(
        [&](Writer& writer) { write_shown(shown, {.shard = requests[0].shard}, writer); });
  });
}

void http_why_message(HttpCall& call) {
  ask_message<engine::Why>(call, [](Requests requests) {
    const auto& why = std::get<engine::Why>(requests[0].what);
    return record_answer([&](Writer& writer) { write_why_message(why, writer); });
  });
}

void http_remove(HttpCall& call) {
  ask_message<engine::Remove>(call, [id = std::string(call.id)](Requests requests) {
    if (std::get<engine::Remove>(requests[0].what).removed) return no_content();
    return problem_answer(
        base::Error{base::Code::kNotFound, "there is no message '" + shown(id) + "'", "id"});
  });
}

// ---- POST /v1/check with wait_ms

bool check_waits(const HttpCall& call) {
  const Body& body = call.body();
  return body.wait_ms > 0 && !body.ask.dry_run && call.services.shards != nullptr;
}

void http_check_wait(HttpCall& call) {
  const limiter::Ask& ask = call.body().ask;
  auto errand = std::make_shared<HttpErrand>();
  Arena& arena = errand->arena();
  std::string line(ask.domain);
  const auto descriptors = arena.array<limiter::Descriptor>(ask.descriptors.size());
  for (size_t i = 0; i < descriptors.size(); ++i) {
    line.append(1, ' ').append(limiter::to_string(ask.descriptors[i]));
    const auto entries = arena.array<limiter::Entry>(ask.descriptors[i].size());
    for (size_t j = 0; j < entries.size(); ++j) {
      const limiter::Entry& entry = ask.descriptors[i][j];
      entries[j] = {arena.keep(entry.key), arena.keep(entry.value)};
    }
    descriptors[i] = entries;
  }
  auto& check = errand->add<engine::Check>(engine::shard_of(line, shards_of(call)));
  check.domain = arena.keep(ask.domain);
  check.descriptors = descriptors;
  check.cost = ask.cost;
  check.wait = std::chrono::milliseconds(call.body().wait_ms);
  HttpErrand::send(std::move(errand), call,
                   [limits = call.services.limiter.limits()](Requests requests) {
                     return waited_answer(std::get<engine::Check>(requests[0].what), *limits);
                   },
                   {});
}

}  // namespace command

// The queues' routes: each asks the same of the shards as its verb.
#include "command/http_errand.h"
#include "command/http_problem.h"
#include "command/queue_bounds.h"
#include "command/queue_option.h"
#include "command/queue_records.h"

namespace command {
namespace {

using protocol::Wire;
using protocol::Writer;
using Requests = std::span<engine::Request>;

HttpAnswer nothing(Requests) { return no_content(); }

// One request about the queue of the path.
template <typename What>
void ask_queue(HttpCall& call, HttpErrand::Answer answer,
               const std::function<void(What&, Arena&)>& fill = {}) {
  if (!good_queue(call)) return;
  auto errand = std::make_shared<HttpErrand>();
  const std::string_view queue = errand->arena().keep(call.id);
  What& what = errand->add<What>(engine::shard_of(queue, call.services.shards->count()));
  what.queue = queue;
  if (fill) fill(what, errand->arena());
  HttpErrand::send(std::move(errand), call, std::move(answer), {});
}

HttpAnswer count_answer(std::string_view name, uint64_t count) {
  HttpAnswer answer;
  Writer(Wire::kJson, answer.body).record(1).field(name).integer(static_cast<int64_t>(count));
  return answer;
}

void set_pause(HttpCall& call, bool paused) {
  const std::string_view direction = call.body().direction;
  const bool both = direction.empty() || direction == "both";
  const PauseTerms terms{
      .in = both || direction == "in", .out = both || direction == "out", .paused = paused};
  ask_queue<engine::SetQueue>(call, nothing, [terms](engine::SetQueue& set, Arena&) {
    set.create = false;
    set.pausing = true;
    set.change = pause_change(terms);
  });
}

HttpAnswer dead_page(Requests requests, size_t count) {
  const auto& shown = std::get<engine::ListDead>(requests[0].what).shown;
  const uint32_t shard = requests[0].shard;
  HttpAnswer answer;
  Writer writer(Wire::kJson, answer.body);
  writer.record(2).field("messages").list(shown.size());
  for (const engine::Shown& one : shown) write_shown(one, {.shard = shard, .body = true}, writer);
  writer.field("next");
  if (shown.size() < count) {
    writer.nil();
  } else {
    writer.text(engine::to_string(engine::MessageId{shard, shown.back().number}));
  }
  return answer;
}

}  // namespace

void http_queues(HttpCall& call) {
  const auto query = read_query(call.query, kQueryRows | kQueryAfter);
  if (!query) return call.reply(problem_answer(query.error()));
  auto errand = std::make_shared<HttpErrand>();
  const std::string_view after = errand->arena().keep(query->after);
  const auto count = static_cast<uint32_t>(query->count.value_or(kQueueRowsDefault));
  for (uint32_t shard = 0; shard < call.services.shards->count(); ++shard) {
    auto& list = errand->add<engine::ListQueues>(shard);
    list.after = after;
    list.count = count;
  }
  HttpErrand::send(std::move(errand), call,
                   [count, now = call.now()](Requests requests) {
                     HttpAnswer answer;
                     Writer writer(Wire::kJson, answer.body);
                     const auto rows = merged_rows(requests, count);
                     writer.list(rows.size());
                     for (const engine::QueueRow& row : rows) {
                       write_queue_fields(row, now, writer.record(kQueueFields));
                     }
                     return answer;
                   },
                   {});
}

void http_queue(HttpCall& call) {
  ask_queue<engine::Stats>(call, [now = call.now()](Requests requests) {
    const auto& stats = std::get<engine::Stats>(requests[0].what);
    HttpAnswer answer;
    Writer writer(Wire::kJson, answer.body);
    writer.record(kQueueFields + kTotalsFields + 2);
    write_queue_fields(stats.row, now, writer);
    write_totals(stats.totals, writer);
    writer.field("declared").truth(stats.row.declared).field("settings");
    write_settings(stats.row.settings, writer);
    return answer;
  });
}

void http_set_queue(HttpCall& call) {
  if (const base::Status status = call.change.check(); !status) {
    return call.reply(problem_answer(status.error()));
  }
  ask_queue<engine::SetQueue>(call, nothing,
                              [&call](engine::SetQueue& set, Arena&) { set.change = call.change; });
}

void http_delete_queue(HttpCall& call) { ask_queue<engine::DeleteQueue>(call, nothing); }
void http_pause(HttpCall& call) { set_pause(call, true); }
void http_resume(HttpCall& call) { set_pause(call, false); }

void http_purge(HttpCall& call) {
  ask_queue<engine::Purge>(call, [](Requests requests) {
    return count_answer("purged", std::get<engine::Purge>(requests[0].what).purged);
  });
}

void http_redrive(HttpCall& call) {
  const Body& body = call.body();
  base::Result<std::optional<limit::Rate>> rate = std::optional<limit::Rate>();
  if (body.has(kBodyRate)) rate = redrive_rate("rate", body.rate);
  if (!rate) return call.reply(problem_answer(rate.error()));
  ask_queue<engine::Redrive>(
      call,
      [](Requests requests) {
        return count_answer("will_move", std::get<engine::Redrive>(requests[0].what).will_move);
      },
      [&](engine::Redrive& redrive, Arena&) {
        if (body.has(kBodyHowMany)) redrive.count = static_cast<uint64_t>(body.count);
        redrive.rate = *rate;
      });
}

void http_dead(HttpCall& call) {
  const auto query = read_query(call.query, kQueryCount | kQueryAfter);
  if (!query) return call.reply(problem_answer(query.error()));
  const auto after = engine::parse_id(query->after);
  const uint32_t shard = engine::shard_of(call.id, call.services.shards->count());
  if (!query->after.empty() && (!after || after->shard != shard)) {
    return call.reply(problem_answer(base::Error{
        base::Code::kNotFound, "there is no dead letter '" + shown(query->after) + "'", "after"}));
  }
  const auto count = static_cast<uint32_t>(query->count.value_or(kDeadRowsDefault));
  ask_queue<engine::ListDead>(
      call, [count](Requests requests) { return dead_page(requests, count); },
      [&](engine::ListDead& dead, Arena&) {
        dead.count = count;
        dead.after = after ? after->number : 0;
      });
}

}  // namespace command

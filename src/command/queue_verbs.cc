// The verbs that look at queues and change them as a whole.
#include <algorithm>

#include "command/message_words.h"
#include "command/option_words.h"
#include "command/queue_bounds.h"
#include "command/queue_change.h"
#include "command/queue_records.h"
#include "command/verbs.h"
#include "limit/limit.h"

namespace command {
namespace {

using protocol::Writer;

template <typename What>
What& begin(Call& call, Draft& draft, std::string_view queue, Errand::Tell tell) {
  Errand& errand = draft.together();
  errand.begin(tell);
  auto& what = errand.add<What>(engine::shard_of(queue, call.services().shards->count()));
  what.queue = errand.keep(queue);
  return what;
}

// ---- QUEUES

void tell_queues(const Told& told, Writer& writer) {
  const auto rows = merged_rows(told.requests, told.as<engine::ListQueues>().count);
  writer.list(rows.size());
  for (const engine::QueueRow& row : rows) {
    write_queue_fields(row, told.now, writer.record(kQueueFields));
  }
}

bool request_queues(Call& call, Draft& draft) {
  OptionWords options(call.words(), 1);
  std::optional<uint32_t> count;
  std::optional<std::string_view> after;
  while (options.next()) {
    if (options.is("COUNT")) {
      options.number(kRowsBounds, count);
    } else if (options.is("AFTER")) {
      options.text(queue::kNameBytesMax, after);
    } else {
      options.unknown();
    }
  }
  if (!options.status()) return refuse(call, options.status().error());
  Errand& errand = draft.together();
  const std::string_view behind = errand.keep(after.value_or(std::string_view()));
  errand.begin(tell_queues);
  for (uint32_t shard = 0; shard < call.services().shards->count(); ++shard) {
    auto& list = errand.add<engine::ListQueues>(shard);
    list.after = behind;
    list.count = count.value_or(kQueueRowsDefault);
  }
  return true;
}

// ---- QUEUE

void tell_stats(const Told& told, Writer& writer) {
  const auto& stats = told.as<engine::Stats>();
  writer.record(kQueueFields + kTotalsFields);
  write_queue_fields(stats.row, told.now, writer);
  write_totals(stats.totals, writer);
}

bool queue_stats(Call& call, Draft& draft) {
  begin<engine::Stats>(call, draft, call.word(2), tell_stats);
  return true;
}

bool queue_set(Call& call, Draft& draft) {
  if (call.words().size() % 2 == 0) {
    return refuse(
        call, base::invalid("option '" + shown(call.words().back()) + "' needs a value", "option"));
  }
  QueueChange change;
  for (size_t i = 3; i < call.words().size(); i += 2) {
    change.add(lower_case_option(call.word(i)), call.word(i + 1));
  }
  if (const base::Status status = change.check(); !status) return refuse(call, status.error());
  begin<engine::SetQueue>(call, draft, call.word(2), tell_ok).change = std::move(change);
  return true;
}

bool pause(Call& call, Draft& draft, bool paused) {
  const bool both = call.words().size() == 3;
  const bool in = !both && same_word(call.word(3), "IN");
  const bool out = !both && same_word(call.word(3), "OUT");
  if (!both && !in && !out) {
    return refuse(call, base::invalid("'" + shown(call.word(3)) + "' must be IN or OUT", "option"));
  }
  auto& set = begin<engine::SetQueue>(call, draft, call.word(2), tell_ok);
  set.create = false;
  set.pausing = true;
  set.change = pause_change({.in = both || in, .out = both || out, .paused = paused});
  return true;
}

bool queue_pause(Call& call, Draft& draft) { return pause(call, draft, true); }
bool queue_resume(Call& call, Draft& draft) { return pause(call, draft, false); }

bool queue_purge(Call& call, Draft& draft) {
  begin<engine::Purge>(call, draft, call.word(2), [](const Told& told, Writer& writer) {
    writer.integer(static_cast<int64_t>(told.as<engine::Purge>().purged));
  });
  return true;
}

bool queue_delete(Call& call, Draft& draft) {
  begin<engine::DeleteQueue>(call, draft, call.word(2), tell_ok);
  return true;
}

struct Subverb {
  std::string_view name;        // Upper case.
  size_t words_min, words_max;  // With verb and subverb.
  bool (*request)(Call&, Draft&);
};

bool request_queue(Call& call, Draft& draft) {
  static constexpr Subverb kSubverbs[] = {
      {"STATS", 3, 3, queue_stats},   {"SET", 5, 1001, queue_set},  {"PAUSE", 3, 4, queue_pause},
      {"RESUME", 3, 4, queue_resume}, {"PURGE", 3, 3, queue_purge}, {"DELETE", 3, 3, queue_delete}};
  const auto* const sub = std::ranges::find_if(
      kSubverbs, [&](const Subverb& one) { return same_word(call.word(1), one.name); });
  if (sub == std::end(kSubverbs)) {
    return refuse(call, base::invalid("unknown subcommand '" + shown(call.word(1)) + "' of QUEUE"));
  }
  if (call.words().size() < sub->words_min || call.words().size() > sub->words_max) {
    return refuse(call, base::invalid("wrong number of arguments for 'queue|" +
                                      lower_case(sub->name) + "' command"));
  }
  const base::Status name = check_queue_name(call.word(2));
  return name ? sub->request(call, draft) : refuse(call, name.error());
}

// ---- DEAD, REDRIVE

void tell_dead(const Told& told, Writer& writer) {
  const auto& shown = told.as<engine::ListDead>().shown;
  const uint32_t shard = told.requests.front().shard;
  writer.list(shown.size());
  for (const engine::Shown& one : shown) write_shown(one, {.shard = shard, .body = true}, writer);
}

bool request_dead(Call& call, Draft& draft) {
  OptionWords options(call.words(), 2);
  std::optional<uint32_t> count;
  std::optional<std::string_view> after;
  while (options.next()) {
    if (options.is("COUNT")) {
      options.number(kCountBounds, count);
    } else if (options.is("AFTER")) {
      options.text(48, after);
    } else {
      options.unknown();
    }
  }
  base::Status status = options.status();
  if (status) status = check_queue_name(call.word(1));
  if (!status) return refuse(call, status.error());
  const auto id = after ? engine::parse_id(*after) : std::nullopt;
  const uint32_t shard = engine::shard_of(call.word(1), call.services().shards->count());
  if (after && (!id || id->shard != shard)) {
    return refuse(
        call, {base::Code::kNotFound, "there is no dead letter '" + shown(*after) + "'", "AFTER"});
  }
  auto& dead = begin<engine::ListDead>(call, draft, call.word(1), tell_dead);
  dead.count = count.value_or(kDeadRowsDefault);
  dead.after = id ? id->number : 0;
  return true;
}

bool request_redrive(Call& call, Draft& draft) {
  OptionWords options(call.words(), 2);
  std::optional<uint64_t> count;
  std::optional<std::string_view> spec;
  while (options.next()) {
    if (options.is("COUNT")) {
      options.number({1, INT64_MAX}, count);
    } else if (options.is("RATE")) {
      options.text(64, spec);
    } else {
      options.unknown();
    }
  }
  base::Status status = options.status();
  if (status) status = check_queue_name(call.word(1));
  if (!status) return refuse(call, status.error());
  base::Result<std::optional<limit::Rate>> rate = std::optional<limit::Rate>();
  if (spec) rate = redrive_rate("RATE", *spec);
  if (!rate) return refuse(call, rate.error());
  auto& redrive =
      begin<engine::Redrive>(call, draft, call.word(1), [](const Told& told, Writer& writer) {
        writer.integer(static_cast<int64_t>(told.as<engine::Redrive>().will_move));
      });
  redrive.count = count;
  redrive.rate = *rate;
  return true;
}

constexpr Verb kRows[] = {
    row_of({.name = "QUEUES",
            .arguments = "[COUNT n] [AFTER queue]",
            .answers =
                "list of records `queue, ready, delayed, leased, dead, oldest_age_ms, bytes, "
                "paused`, by name; 1,000 unless COUNT says otherwise",
            .help = "The queues there are.",
            .words_min = 1,
            .words_max = 5,
            .request = request_queues}),
    row_of({.name = "QUEUE",
            .arguments =
                "STATS q | SET q option value… | PAUSE q [IN|OUT] | RESUME q [IN|OUT] | PURGE q "
                "| DELETE q",
            .answers =
                "STATS: record `queue, ready, delayed, leased, dead, oldest_age_ms, bytes, paused, "
                "enqueued, deduplicated, delivered, acked, failed, requeued, lease_over, expired, "
                "dead_total, redriven, removed, purged`; PURGE: how many; else `OK`",
            .help =
                "One queue: its numbers and its settings, stopping what goes in or out, taking all "
                "waiting messages away, or the whole queue.",
            .words_min = 2,
            .words_max = -1,
            .request = request_queue}),
    row_of({.name = "DEAD",
            .arguments = "queue [COUNT n] [AFTER id]",
            .answers = "list of records as SHOW's, and `body`; 10 unless COUNT says otherwise",
            .help = "The dead letters of a queue, in the order of their death.",
            .words_min = 2,
            .words_max = 6,
            .request = request_dead}),
    row_of({.name = "REDRIVE",
            .arguments = "queue [COUNT n] [RATE spec]",
            .answers = "how many will move",
            .help = "Puts dead letters back, at once or at a rate as 10/s; survives a restart.",
            .words_min = 2,
            .words_max = 6,
            .request = request_redrive}),
};

}  // namespace

std::span<const Verb> queue_verbs() { return kRows; }

}  // namespace command

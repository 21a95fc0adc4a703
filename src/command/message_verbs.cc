// The verbs that say what became of messages and look at them, and the rows of all that name one.
#include <algorithm>

#include "command/message_words.h"
#include "command/option_words.h"
#include "command/queue_bounds.h"
#include "command/queue_records.h"
#include "command/records.h"
#include "command/verbs.h"

namespace command {
namespace {

using protocol::Writer;

// ---- ACK, NACK, REQUEUE, EXTEND

void tell_acked(const Told& told, Writer& writer) {
  int64_t acked = 0;
  for (size_t i = 0; i < told.requests.size(); ++i) {
    acked += std::ranges::count(told.as<engine::Ack>(i).done, true);
  }
  writer.integer(acked);
}

void tell_acked_alone(const Told& told, Writer& writer) {
  if (told.as<engine::Ack>().done.front()) {
    writer.integer(1);
  } else {
    writer.error(base::Code::kStale, "the receipt is not valid any more");
  }
}

void add_acks(Errand& errand, uint32_t shard, std::span<const engine::Receipt> receipts) {
  size_t n = 0;
  const auto kept = errand.keep_array<engine::Receipt>(receipts.size());
  for (const engine::Receipt& receipt : receipts) {
    if (receipt.shard == shard) kept[n++] = receipt;
  }
  if (n > 0) errand.add<engine::Ack>(shard).receipts = kept.first(n);
}

bool request_ack(Call& call, Draft& draft) {
  const auto words = call.words().subspan(1);
  boost::container::small_vector<engine::Receipt, 4> receipts;
  receipts.reserve(words.size());
  for (const std::string_view word : words) {
    if (const auto receipt = receipt_of(call, word)) receipts.push_back(*receipt);
  }
  if (receipts.empty() && words.size() == 1) return refuse_receipt(call, words[0]);
  if (receipts.empty()) {
    call.answer().integer(0);
    return false;
  }
  Errand& errand = draft.together();
  errand.begin(words.size() == 1 ? tell_acked_alone : tell_acked);
  const auto [low, high] = std::ranges::minmax(receipts, {}, &engine::Receipt::shard);
  for (uint32_t shard = low.shard; shard <= high.shard; ++shard) add_acks(errand, shard, receipts);
  return true;
}

bool request_nack(Call& call, Draft& draft) {
  const auto receipt = receipt_of(call, call.word(1));
  OptionWords options(call.words(), 2);
  std::optional<base::Duration> delay;
  std::optional<std::string_view> reason;
  bool dead = false;
  while (options.next()) {
    if (options.is("DELAY")) {
      options.span(kDelayMsBounds, delay);
    } else if (options.is("REASON")) {
      options.text(queue::kReasonBytesMax, reason);
    } else if (options.is("DEAD")) {
      options.flag(dead);
    } else {
      options.unknown();
    }
  }
  if (!options.status()) return refuse(call, options.status().error());
  if (!receipt) return refuse_receipt(call, call.word(1));
  Errand& errand = draft.together();
  errand.begin(tell_ok);
  auto& nack = errand.add<engine::Nack>(receipt->shard);
  nack.receipt = *receipt;
  nack.delay = delay;
  nack.reason = errand.keep(reason.value_or(std::string_view()));
  nack.dead = dead;
  return true;
}

bool request_requeue(Call& call, Draft& draft) {
  const auto receipt = receipt_of(call, call.word(1));
  OptionWords options(call.words(), 2);
  std::optional<base::Duration> delay;
  while (options.next()) {
    if (options.is("DELAY")) {
      options.span(kDelayMsBounds, delay);
    } else {
      options.unknown();
    }
  }
  if (!options.status()) return refuse(call, options.status().error());
  if (!receipt) return refuse_receipt(call, call.word(1));
  Errand& errand = draft.together();
  errand.begin(tell_ok);
  auto& requeue = errand.add<engine::Requeue>(receipt->shard);
  requeue.receipt = *receipt;
  requeue.delay = delay.value_or(base::Duration(0));
  return true;
}

bool request_extend(Call& call, Draft& draft) {
  const auto ms = parse_number("ms", call.word(2), kLeaseMsBounds);
  if (!ms) return refuse(call, ms.error());
  const auto receipt = receipt_of(call, call.word(1));
  if (!receipt) return refuse_receipt(call, call.word(1));
  Errand& errand = draft.together();
  errand.begin([](const Told& told, Writer& writer) {
    const base::Time until = told.as<engine::Extend>().lease_until;
    writer.integer(base::nanoseconds(until) / 1'000'000);
  });
  auto& extend = errand.add<engine::Extend>(receipt->shard);
  extend.receipt = *receipt;
  extend.lease = std::chrono::milliseconds(*ms);
  return true;
}

// ---- SHOW, REMOVE

bool request_show(Call& call, Draft& draft) {
  const auto id = id_of(call, call.word(1));
  if (!id) return refuse_id(call, call.word(1));
  Errand& errand = draft.together();
  errand.begin([](const Told& told, Writer& writer) {
    write_shown(told.as<engine::Show>().shown, {.shard = told.requests.front().shard}, writer);
  });
  errand.add<engine::Show>(id->shard).number = id->number;
  return true;
}

bool request_remove(Call& call, Draft& draft) {
  const auto id = id_of(call, call.word(1));
  if (!id) {
    call.answer().integer(0);
    return false;
  }
  Errand& errand = draft.together();
  errand.begin([](const Told& told, Writer& writer) {
    writer.integer(told.as<engine::Remove>().removed ? 1 : 0);
  });
  errand.add<engine::Remove>(id->shard).number = id->number;
  return true;
}

constexpr std::string_view kDeliveryRecord =
    "list of records `queue, id, receipt, body, key, attempt, priority, enqueued_at_ms, "
    "lease_until_ms, headers`; nothing may go: an empty list (line: `NIL`)";
constexpr std::string_view kShownRecord =
    "record `id, queue, state, key, priority, attempt, failed, enqueued_at_ms, due_at_ms, "
    "expires_at_ms, lease_until_ms, reason, headers, history`";

constexpr Verb kRows[] = {
    row_of(
        {.name = "ENQUEUE",
         .arguments = "queue body [KEY k] [PRIORITY n] [DELAY ms] [TTL ms] [ATTEMPTS n] [COST n] "
                      "[DEDUP id] [HEADER name value]…",
         .answers = "message id",
         .help =
             "Puts a message into a queue, and makes the queue if it is not there. With a DEDUP id "
             "that was seen within the queue's window, the first message's id.",
         .words_min = 3,
         .words_max = -1,
         .request = request_enqueue}),
    row_of(
        {.name = "DEQUEUE",
         .arguments = "queue… [COUNT n] [WAIT ms] [LEASE ms]",
         .answers = kDeliveryRecord,
         .help =
             "Leases messages that may go now, from the queues in the order named; with WAIT, as "
             "soon as one may. LEASE 0 ends with the connection.",
         .words_min = 2,
         .words_max = -1,
         .request = request_dequeue}),
    row_of({.name = "ACK",
            .arguments = "receipt…",
            .answers = "how many; one receipt alone and not valid any more: `STALE`",
            .help = "The work is done: the messages are gone.",
            .words_min = 2,
            .words_max = static_cast<int>(kReceiptsMax) + 1,
            .request = request_ack}),
    row_of({.name = "NACK",
            .arguments = "receipt [DELAY ms] [REASON text] [DEAD]",
            .answers = "`OK`",
            .help =
                "The work failed: it is tried again after DELAY or the queue's back-off, until its "
                "attempts are used up; DEAD: not again.",
            .words_min = 2,
            .words_max = 7,
            .request = request_nack}),
    row_of({.name = "REQUEUE",
            .arguments = "receipt [DELAY ms]",
            .answers = "`OK`",
            .help = "Gives a message back without calling it a failure.",
            .words_min = 2,
            .words_max = 4,
            .request = request_requeue}),
    row_of({.name = "EXTEND",
            .arguments = "receipt ms",
            .answers = "the new `lease_until_ms`",
            .help = "Holds a message for so long from now.",
            .words_min = 3,
            .words_max = 3,
            .request = request_extend}),
    row_of({.name = "SHOW",
            .arguments = "id",
            .answers = kShownRecord,
            .help = "What a message is and where it stands.",
            .words_min = 2,
            .words_max = 2,
            .request = request_show}),
    row_of(
        {.name = "REMOVE",
         .arguments = "id",
         .answers = "1 or 0",
         .help =
             "Takes a message away, whatever its state; the receipt of a leased one becomes stale.",
         .words_min = 2,
         .words_max = 2,
         .request = request_remove}),
};

void tell_check(const Told& told, Writer& writer) {
  const engine::Check& check = told.as<engine::Check>();
  if (!check.known_domain) {
    const base::Error error = unknown_domain(check.domain);
    writer.error(error.code, error.what);
    return;
  }
  write_check(check, writer.record(kDecisionFields));
}

}  // namespace

std::span<const Verb> message_verbs() { return kRows; }

bool request_check(Call& call, Draft& draft) {
  Errand& errand = draft.alone();
  const auto kept = errand.keep_array<std::string_view>(call.words().size());
  for (size_t i = 0; i < kept.size(); ++i) kept[i] = errand.keep(call.word(i));
  const auto words = parse_ask(kept, {.options = kCost | kDryRun | kWait}, errand.memory());
  if (!words) return refuse(call, words.error());
  if (words->dry_run) {
    return refuse(call, base::invalid("DRYRUN charges nothing, so it does not WAIT", "WAIT"));
  }
  std::string line(words->domain);
  for (const limiter::Descriptor descriptor : words->descriptors) {
    line.append(1, ' ').append(limiter::to_string(descriptor));
  }
  errand.begin(tell_check);
  auto& check = errand.add<engine::Check>(engine::shard_of(line, shards_of(call)));
  check.domain = words->domain;
  check.descriptors = words->descriptors;
  check.cost = words->cost.value_or(1);
  check.wait = words->wait.value_or(base::Duration(0));
  return true;
}

bool request_why(Call& call, Draft& draft) {
  const auto id = id_of(call, call.word(1));
  if (!id) return refuse_id(call, call.word(1));
  Errand& errand = draft.together();
  errand.begin(
      [](const Told& told, Writer& writer) { write_why_message(told.as<engine::Why>(), writer); });
  errand.add<engine::Why>(id->shard).number = id->number;
  return true;
}

}  // namespace command

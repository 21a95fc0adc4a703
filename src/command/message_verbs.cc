// The verbs that move messages: into a queue, out of it, and what became of them.
#include <algorithm>

#include "command/errand.h"
#include "command/forage.h"
#include "command/option_words.h"
#include "command/queue_bounds.h"
#include "command/queue_records.h"
#include "command/records.h"
#include "command/verbs.h"

namespace command {
namespace {

using protocol::Writer;

uint32_t shards_of(Call& call) { return call.services().shards->count(); }

bool refuse(Call& call, const base::Error& error) {
  call.fail(error);
  return false;
}

// A text that is no receipt was never given out, so its time is over like any other's.
bool refuse_receipt(Call& call, std::string_view text) {
  return refuse(call,
                {base::Code::kStale, "receipt '" + shown(text) + "' is not valid", "receipt"});
}

bool refuse_id(Call& call, std::string_view text) {
  return refuse(call, {base::Code::kNotFound, "there is no message '" + shown(text) + "'", "id"});
}

std::optional<engine::Receipt> receipt_of(Call& call, std::string_view text) {
  auto receipt = engine::parse_receipt(text);
  if (receipt && receipt->shard >= shards_of(call)) receipt.reset();
  return receipt;
}

std::optional<engine::MessageId> id_of(Call& call, std::string_view text) {
  auto id = engine::parse_id(text);
  if (id && id->shard >= shards_of(call)) id.reset();
  return id;
}

void tell_ok(const Told&, Writer& writer) { writer.simple("OK"); }

// ---- ENQUEUE

void tell_enqueued(const Told& told, Writer& writer) {
  const engine::Request& request = told.requests.front();
  const queue::Number number = told.as<engine::Enqueue>().numbers.front();
  writer.text(engine::spell(engine::MessageId{request.shard, number}));
}

struct EnqueueWords {
  engine::Message message;
  std::vector<engine::Header> headers;
};

void read_header(OptionWords& options, EnqueueWords& into) {
  const auto name = options.value();
  const auto value = name ? options.value() : std::nullopt;
  if (!value) return;
  if (into.headers.size() == queue::kHeadersMax) {
    return options.fail(base::invalid(
        "HEADER is given more than " + std::to_string(queue::kHeadersMax) + " times", "HEADER"));
  }
  into.headers.push_back({*name, *value});
}

base::Status read_enqueue(std::span<const std::string_view> words, EnqueueWords& into) {
  OptionWords options(words, 3);
  std::optional<std::string_view> key, dedup;
  std::optional<base::Duration> delay;
  std::optional<int64_t> cost;
  while (options.next()) {
    if (options.is("KEY")) {
      options.text(queue::kKeyBytesMax, key);
    } else if (options.is("PRIORITY")) {
      options.number(kPriorityBounds, into.message.priority);
    } else if (options.is("DELAY")) {
      options.span(kDelayMsBounds, delay);
    } else if (options.is("TTL")) {
      options.span(kMessageTtlMsBounds, into.message.ttl);
    } else if (options.is("ATTEMPTS")) {
      options.number(kAttemptsBounds, into.message.attempts);
    } else if (options.is("COST")) {
      options.number(kCostBounds, cost);
    } else if (options.is("DEDUP")) {
      options.text(queue::kDedupBytesMax, dedup);
    } else if (options.is("HEADER")) {
      read_header(options, into);
    } else {
      options.unknown();
    }
  }
  into.message.key = key.value_or(std::string_view());
  into.message.dedup = dedup.value_or(std::string_view());
  into.message.delay = delay.value_or(base::Duration(0));
  into.message.cost = cost.value_or(1);
  if (!options.status()) return options.status();
  return check_headers("HEADER", into.headers);
}

std::span<const engine::Header> kept_headers(Errand& errand, const EnqueueWords& words) {
  if (words.headers.empty()) return {};
  const auto kept = errand.keep_array<engine::Header>(words.headers.size());
  for (size_t i = 0; i < kept.size(); ++i) {
    kept[i] = {errand.keep(words.headers[i].name), errand.keep(words.headers[i].value)};
  }
  return kept;
}

bool request_enqueue(Call& call, Draft& draft) {
  EnqueueWords words;
  words.message.body = call.word(2);
  base::Status status = check_queue_name(call.word(1));
  if (status) status = check_bytes("body", call.word(2), kBodyBytesMax);
  if (status && call.words().size() > 3) status = read_enqueue(call.words(), words);
  if (!status) return refuse(call, status.error());
  Errand& errand = draft.together();
  const auto message = errand.keep_array<engine::Message>(1);
  message[0] = words.message;
  message[0].body = errand.keep(words.message.body);
  message[0].key = errand.keep(words.message.key);
  message[0].dedup = errand.keep(words.message.dedup);
  message[0].headers = kept_headers(errand, words);
  errand.begin(tell_enqueued);
  auto& enqueue = errand.add<engine::Enqueue>(engine::shard_of(call.word(1), shards_of(call)));
  enqueue.queue = errand.keep(call.word(1));
  enqueue.messages = message;
  return true;
}

// ---- DEQUEUE

void write_found(std::span<const Found> found, Writer& writer) {
  if (found.empty() && writer.wire() == protocol::Wire::kLine) {
    writer.nil();
    return;
  }
  writer.list(found.size());
  for (const Found& one : found) write_delivery(one.delivery, one.shard, writer);
}

void tell_dequeued(const Told& told, Writer& writer) {
  const uint32_t shard = told.requests.front().shard;
  const auto& deliveries = told.as<engine::Dequeue>().deliveries;
  if (deliveries.empty() && writer.wire() == protocol::Wire::kLine) {
    writer.nil();
    return;
  }
  writer.list(deliveries.size());
  for (const engine::Delivery& delivery : deliveries) write_delivery(delivery, shard, writer);
}

struct DequeueWords {
  std::span<const std::string_view> queues;
  uint32_t count = 1;
  base::Duration wait{};
  std::optional<base::Duration> lease;
};

// The first word is a queue; so are those behind it up to the first option.
base::Result<DequeueWords> read_dequeue(std::span<const std::string_view> words) {
  const auto option = [](std::string_view word) {
    return same_word(word, "COUNT") || same_word(word, "WAIT") || same_word(word, "LEASE");
  };
  const auto end = std::ranges::find_if(words.begin() + 2, words.end(), option);
  DequeueWords read{.queues = {words.begin() + 1, end}, .lease = {}};
  if (read.queues.size() > kQueuesOfDequeueMax) {
    return base::invalid("at most " + std::to_string(kQueuesOfDequeueMax) + " queues", "queue");
  }
  for (const std::string_view name : read.queues) {
    if (const base::Status status = check_queue_name(name); !status) return status.error();
  }
  OptionWords options(words, static_cast<size_t>(end - words.begin()));
  std::optional<uint32_t> count;
  std::optional<base::Duration> wait;
  while (options.next()) {
    if (options.is("COUNT")) {
      options.number(kCountBounds, count);
    } else if (options.is("WAIT")) {
      options.span(kWaitMsBounds, wait);
    } else if (options.is("LEASE")) {
      options.span({0, kLeaseMsBounds.max}, read.lease);
    } else {
      options.unknown();
    }
  }
  if (!options.status()) return options.status().error();
  read.count = count.value_or(1);
  read.wait = wait.value_or(base::Duration(0));
  return read;
}

void forage(Call& call, Draft& draft, const DequeueWords& words) {
  ForageTerms terms{.queues = {},
                    .count = words.count,
                    .wait = words.wait,
                    .lease = words.lease,
                    .connection = call.caller().connection_id};
  for (const std::string_view queue : words.queues) terms.queues.emplace_back(queue);
  // Shared, because a std::function must be copyable.
  auto later = std::make_shared<Later>(draft.later());
  Forage::begin(*call.services().shards, std::move(terms),
                [later](base::Result<std::vector<Found>> found) {
                  later->fill([&found](Writer& writer) {
                    if (found) return write_found(*found, writer);
                    writer.error(found.error().code, found.error().what);
                  });
                });
}

bool request_dequeue(Call& call, Draft& draft) {
  const auto words = read_dequeue(call.words());
  if (!words) return refuse(call, words.error());
  const uint32_t shards = shards_of(call);
  const uint32_t shard = engine::shard_of(words->queues.front(), shards);
  const bool one = std::ranges::all_of(words->queues, [&](std::string_view queue) {
    return engine::shard_of(queue, shards) == shard;
  });
  if (!one) {
    forage(call, draft, *words);
    return true;
  }
  Errand& errand = words->wait.count() > 0 ? draft.alone() : draft.together();
  const auto queues = errand.keep_array<std::string_view>(words->queues.size());
  for (size_t i = 0; i < queues.size(); ++i) queues[i] = errand.keep(words->queues[i]);
  errand.begin(tell_dequeued);
  auto& dequeue = errand.add<engine::Dequeue>(shard);
  dequeue.queues = queues;
  dequeue.count = words->count;
  dequeue.wait = words->wait;
  dequeue.lease = words->lease;
  return true;
}

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
    {.name = "ENQUEUE",
     .arguments = "queue body [KEY k] [PRIORITY n] [DELAY ms] [TTL ms] [ATTEMPTS n] [COST n] "
                  "[DEDUP id] [HEADER name value]…",
     .answers = "message id",
     .help = "Puts a message into a queue, and makes the queue if it is not there. With a DEDUP id "
             "that was seen within the queue's window, the first message's id.",
     .theme = Theme::kQueues,
     .words_min = 3,
     .words_max = -1,
     .flags = kPlain,
     .run = nullptr,
     .request = request_enqueue},
    {.name = "DEQUEUE",
     .arguments = "queue… [COUNT n] [WAIT ms] [LEASE ms]",
     .answers = kDeliveryRecord,
     .help = "Leases messages that may go now, from the queues in the order named; with WAIT, as "
             "soon as one may. LEASE 0 ends with the connection.",
     .theme = Theme::kQueues,
     .words_min = 2,
     .words_max = -1,
     .flags = kPlain,
     .run = nullptr,
     .request = request_dequeue},
    {.name = "ACK",
     .arguments = "receipt…",
     .answers = "how many; one receipt alone and not valid any more: `STALE`",
     .help = "The work is done: the messages are gone.",
     .theme = Theme::kQueues,
     .words_min = 2,
     .words_max = static_cast<int>(kReceiptsMax) + 1,
     .flags = kPlain,
     .run = nullptr,
     .request = request_ack},
    {.name = "NACK",
     .arguments = "receipt [DELAY ms] [REASON text] [DEAD]",
     .answers = "`OK`",
     .help = "The work failed: it is tried again after DELAY or the queue's back-off, until its "
             "attempts are used up; DEAD: not again.",
     .theme = Theme::kQueues,
     .words_min = 2,
     .words_max = 7,
     .flags = kPlain,
     .run = nullptr,
     .request = request_nack},
    {.name = "REQUEUE",
     .arguments = "receipt [DELAY ms]",
     .answers = "`OK`",
     .help = "Gives a message back without calling it a failure.",
     .theme = Theme::kQueues,
     .words_min = 2,
     .words_max = 4,
     .flags = kPlain,
     .run = nullptr,
     .request = request_requeue},
    {.name = "EXTEND",
     .arguments = "receipt ms",
     .answers = "the new `lease_until_ms`",
     .help = "Holds a message for so long from now.",
     .theme = Theme::kQueues,
     .words_min = 3,
     .words_max = 3,
     .flags = kPlain,
     .run = nullptr,
     .request = request_extend},
    {.name = "SHOW",
     .arguments = "id",
     .answers = kShownRecord,
     .help = "What a message is and where it stands.",
     .theme = Theme::kQueues,
     .words_min = 2,
     .words_max = 2,
     .flags = kPlain,
     .run = nullptr,
     .request = request_show},
    {.name = "REMOVE",
     .arguments = "id",
     .answers = "1 or 0",
     .help = "Takes a message away, whatever its state; the receipt of a leased one becomes stale.",
     .theme = Theme::kQueues,
     .words_min = 2,
     .words_max = 2,
     .flags = kPlain,
     .run = nullptr,
     .request = request_remove},
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

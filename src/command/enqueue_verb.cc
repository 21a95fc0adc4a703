// ENQUEUE.
#include "command/message_words.h"
#include "command/option_words.h"
#include "command/queue_bounds.h"
#include "command/verbs.h"

namespace command {
namespace {

using protocol::Writer;

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

}  // namespace

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

}  // namespace command

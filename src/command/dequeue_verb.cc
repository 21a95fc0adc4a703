// DEQUEUE: from one shard as any request, from several by foraging.
#include <algorithm>

#include "command/forage.h"
#include "command/message_words.h"
#include "command/option_words.h"
#include "command/queue_bounds.h"
#include "command/queue_records.h"
#include "command/verbs.h"

namespace command {
namespace {

using protocol::Writer;

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

}  // namespace

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

}  // namespace command

// What the verbs that name messages share: ids and receipts of this process, and refusals.
#pragma once
#include <optional>
#include <string_view>

#include "command/errand.h"
#include "command/verb.h"
#include "engine/id.h"

namespace command {

// REQUIRES of all: the process has queues.
uint32_t shards_of(Call& call);

// Answer an error; false, as a verb's `request` returns it.
bool refuse(Call& call, const base::Error& error);
bool refuse_receipt(Call& call, std::string_view text);
bool refuse_id(Call& call, std::string_view text);

// Nothing: it is none, or of a shard that is not there.
std::optional<engine::Receipt> receipt_of(Call& call, std::string_view text);
std::optional<engine::MessageId> id_of(Call& call, std::string_view text);

void tell_ok(const Told& told, protocol::Writer& writer);

// A row of a verb that travels to the shards; the rest is as with every other queue verb.
struct RequestRow {
  std::string_view name, arguments, answers, help;
  int words_min, words_max;
  bool (*request)(Call&, Draft&);
};
constexpr Verb row_of(const RequestRow& row) {
  return {.name = row.name,
          .arguments = row.arguments,
          .answers = row.answers,
          .help = row.help,
          .theme = Theme::kQueues,
          .words_min = row.words_min,
          .words_max = row.words_max,
          .flags = kPlain,
          .run = nullptr,
          .request = row.request};
}

}  // namespace command

#include "command/message_words.h"

#include "command/words.h"

namespace command {

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

void tell_ok(const Told&, protocol::Writer& writer) { writer.simple("OK"); }

}  // namespace command

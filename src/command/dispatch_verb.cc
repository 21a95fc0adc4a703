// DISPATCH.
#include "command/dispatch_records.h"
#include "command/message_words.h"
#include "command/verbs.h"

namespace command {
namespace {

using protocol::Writer;

void tell_dispatch(const Told& told, Writer& writer) {
  const auto rows = dispatch_rows(told.requests, *told.hosts, told.now);
  if (!rows) {
    writer.error(rows.error().code, rows.error().what);
    return;
  }
  writer.list(rows->size());
  for (const DispatchRow& row : *rows) write_dispatch(row, told.now, writer);
}

bool request_dispatch(Call& call, Draft& draft) {
  if (call.services().hosts == nullptr)
    return refuse(call, base::invalid("this process has no dispatcher"));
  base::Result<std::string> host = std::string();
  if (call.words().size() > 1) host = dispatch_host(call.word(1));
  if (!host) return refuse(call, host.error());
  Errand& errand = draft.together();
  const std::string_view kept = errand.keep(*host);
  errand.begin(tell_dispatch);
  for (uint32_t shard = 0; shard < shards_of(call); ++shard)
    errand.add<engine::Targets>(shard).host = kept;
  return true;
}

constexpr Verb kRows[] = {row_of(
    {.name = "DISPATCH",
     .arguments = "[host]",
     .answers = "list of records `host, in_flight, waiting, reason, blocked_until_ms, rate`, those "
                "with most waiting and in flight first, at most 1,000; one host of which nothing "
                "is known: `NOTFOUND`",
     .help = "The hosts that push queues send to: requests in flight, messages that wait and why "
             "(`retry-after`, `backoff`, `breaker`, `half open`, or the limit that holds them), "
             "and requests a second of the last ten.",
     .words_min = 1,
     .words_max = 2,
     .request = request_dispatch})};

}  // namespace

std::span<const Verb> dispatch_verbs() { return kRows; }

}  // namespace command

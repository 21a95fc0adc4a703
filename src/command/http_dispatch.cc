// The dispatcher's routes: as DISPATCH.
#include "command/dispatch_records.h"
#include "command/http_errand.h"
#include "command/http_problem.h"

namespace command {
namespace {

using protocol::Wire;
using protocol::Writer;

void ask_targets(HttpCall& call, std::string_view host) {
  if (call.services.hosts == nullptr) {
    return call.reply(
        problem_answer({.status = 503, .detail = "this process has no dispatcher", .code = "ERR"}));
  }
  auto errand = std::make_shared<HttpErrand>();
  const std::string_view kept = errand->arena().keep(host);
  for (uint32_t shard = 0; shard < call.services.shards->count(); ++shard)
    errand->add<engine::Targets>(shard).host = kept;
  HttpErrand::send(
      std::move(errand), call,
      [hosts = call.services.hosts, now = call.now()](std::span<engine::Request> requests) {
        const auto rows = dispatch_rows(requests, *hosts, now);
        if (!rows) return problem_answer(rows.error());
        HttpAnswer answer;
        Writer writer(Wire::kJson, answer.body);
        writer.list(rows->size());
        for (const DispatchRow& row : *rows) write_dispatch(row, now, writer);
        return answer;
      },
      {});
}

}  // namespace

void http_dispatch(HttpCall& call) { ask_targets(call, {}); }

void http_dispatch_host(HttpCall& call) {
  const auto host = dispatch_host(call.id);
  if (!host) return call.reply(problem_answer(host.error()));
  ask_targets(call, *host);
}

}  // namespace command

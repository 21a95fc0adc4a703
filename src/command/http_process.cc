// The process' routes: health, metrics, version, and the document of the routes themselves.
#include "command/http_problem.h"
#include "command/http_route.h"
#include "command/openapi.h"
#include "protocol/writer.h"

namespace command {
namespace {

HttpAnswer status_answer(std::string_view status) {
  HttpAnswer answer;
  protocol::Writer(protocol::Wire::kJson, answer.body).record(1).field("status").text(status);
  return answer;
}

}  // namespace

HttpAnswer http_live(HttpCall&) { return status_answer("live"); }

HttpAnswer http_ready(HttpCall& call) {
  const Process& process = call.services.process;
  std::string why_not;
  if (process.ready(why_not)) return status_answer("ready");
  return problem_answer({.status = 503,
                         .detail = "not ready: " + why_not,
                         .code = process.stopping() ? "SHUTDOWN" : "ERR"});
}

HttpAnswer http_metrics(HttpCall& call) {
  return {.status = 200,
          .content_type = "text/plain; version=0.0.4; charset=utf-8",
          .body = call.services.process.metrics_text(),
          .headers = {}};
}

HttpAnswer http_version(HttpCall& call) {
  const Process::Facts facts = call.services.process.facts();
  HttpAnswer answer;
  protocol::Writer writer(protocol::Wire::kJson, answer.body);
  writer.record(3).field("name").text("ratelimmq");
  writer.field("version").text(facts.version).field("commit").text(facts.commit);
  return answer;
}

HttpAnswer http_openapi(HttpCall& call) {
  HttpAnswer answer;
  answer.body = openapi_document(call.listener, call.services.process.facts().version);
  return answer;
}

}  // namespace command

#include "command/http_errand.h"

#include <algorithm>

#include "command/http_problem.h"
#include "command/queue_bounds.h"

namespace command {

// Shared: the run keeps it until its askers need it no more.
void HttpErrand::send(std::shared_ptr<HttpErrand> errand, HttpCall& call, Answer answer,
                      Terms terms) {
  auto run = std::make_unique<engine::Run>();
  run->requests.swap(errand->requests_);
  for (engine::Request& request : run->requests) request.connection = call.caller.connection_id;
  run->keep.push_back(std::move(errand));
  run->done = [reply = call.reply, answer = std::move(answer), terms](engine::Run& back) {
    const auto refused = std::ranges::find_if(
        back.requests, [](const engine::Request& request) { return !request.status; });
    if (terms.strict && refused != back.requests.end()) {
      return reply(problem_answer(refused->status.error()));
    }
    reply(answer(back.requests));
  };
  call.services.shards->submit(std::move(run));
}

bool good_queue(HttpCall& call) {
  const base::Status status = check_queue_name(call.id);
  if (!status) call.reply(problem_answer(status.error()));
  return status.has_value();
}

}  // namespace command

#include "server/api_talk.h"

#include "command/shards.h"

namespace server {
namespace {

http::Answer to_http(command::HttpAnswer&& answer) {
  return {.status = answer.status,
          .content_type = answer.content_type,
          .body = std::move(answer.body),
          .headers = std::move(answer.headers)};
}

}  // namespace

ApiTalk::ApiTalk(Api& api, size_t worker, command::Caller caller, base::Random& ids,
                 std::function<void()> on_ready)
    : api_(api),
      services_(api.services[worker]),
      caller_(std::move(caller)),
      connection_(api.options, *this, ids, services_.clock.now()),
      on_ready_(std::move(on_ready)),
      return_(std::make_shared<Return>(Return{this})),
      reply_([to = return_](command::HttpAnswer&& answer) {
        if (to->talk != nullptr) to->talk->reply(std::move(answer));
      }) {}

ApiTalk::~ApiTalk() {
  return_->talk = nullptr;
  if (connection_.waiting()) hang_up();
}

void ApiTalk::hang_up() {
  if (services_.shards != nullptr) services_.shards->leave(caller_.connection_id);
}

size_t ApiTalk::feed(std::string_view bytes) {
  feeding_ = true;
  began_ = services_.clock.now();
  const size_t used = connection_.feed(bytes, began_);
  feeding_ = false;
  return used;
}

void ApiTalk::on_request(const http::Request& request) {
  if (!known(request)) {
    if (const auto why = http::foreign(api_.guard, request)) {
      return reply(command::problem(403, "Forbidden", *why));
    }
    known_host_ = request.host;
  }
  command::serve_http(services_, caller_, api_.listener,
                      {.method = request.method,
                       .target = request.target,
                       .content_type = request.content_type,
                       .body = request.body,
                       .request_id = request.request_id},
                      reply_);
}

// As the last one that was let in: a program asks with the same Host again and again.
bool ApiTalk::known(const http::Request& request) const {
  return request.origin.empty() && request.sec_fetch_site.empty() && !known_host_.empty() &&
         request.host == known_host_;
}

http::Answer ApiTalk::refused(const http::Refusal& refusal) {
  api_.traffic.refused(refusal.status);
  return to_http(command::problem(refusal.status, {}, refusal.detail));
}

void ApiTalk::reply(command::HttpAnswer&& answer) {
  const base::Time now = services_.clock.now();
  api_.traffic.answered(answer.status, now - began_);
  connection_.answer(to_http(std::move(answer)), now);
  if (!feeding_) on_ready_();
}

}  // namespace server

#include "proxy/turn.h"

#include <algorithm>

#include "http/request_id.h"
#include "proxy/field_names.h"

namespace proxy {

std::string_view Head::field(std::string_view name) const {
  const auto at = std::ranges::find_if(fields, [&](const Field& each) {
    return std::ranges::equal(each.name, name, {}, base::lower, base::lower);
  });
  return at == fields.end() ? std::string_view() : at->value;
}

std::optional<http::Refusal> Turn::begin(std::string_view text, const io::Ip& peer) {
  text_.assign(text);
  added_.clear();
  if (const auto refusal = parse_request(text_, request_)) return refusal;
  host_.clear();
  append_host(host_, request_.authority);
  head_.method = request_.method;
  head_.target = request_.target;
  head_.path = head_.target.substr(0, head_.target.find('?'));
  head_.host = host_;
  head_.fields.assign(request_.fields.all.begin(), request_.fields.all.end());
  head_.peer = peer;
  return std::nullopt;
}

void Turn::serve(TurnHome& home, base::Random& ids) {
  http::name_request(request_.request_id, ids, id_);
  head_.request_id = id_;
  home_ = &home;
}

bool Turn::idempotent() const {
  static constexpr std::string_view kMethods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
  return std::ranges::find(kMethods, request_.method) != std::end(kMethods);
}

void Turn::read_body(size_t bytes_max, std::function<void(std::string_view body)> read) {
  if (home_ != nullptr) home_->read_body(bytes_max, std::move(read));
}

void Turn::answer(http::Answer&& answer) {
  if (home_ != nullptr) home_->answer(std::move(answer));
}

void Turn::pass(const Way& way, std::string_view client,
                std::vector<std::pair<std::string_view, std::string>> added) {
  if (home_ == nullptr) return;
  added_ = std::move(added);
  home_->pass(way, client);
}

}  // namespace proxy

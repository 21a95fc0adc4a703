// The inside of a Site.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/hash_desk.h"
#include "gateway/remote.h"
#include "gateway/site.h"
#include "gateway/site_common.h"
#include "gateway/templates.h"
#include "io/alarm.h"
#include "io/ip.h"
#include "io/loop.h"

namespace gateway {

using SharedExchange = std::shared_ptr<proxy::Exchange>;

struct Site::Body : std::enable_shared_from_this<Site::Body> {
  // One request at the limit step, shared by whoever may end it: the decision, or the deadline.
  struct Step {
    SharedExchange exchange;
    const Routes::Row* row;
    io::Ip client;
    base::Time since;
    bool over = false;
  };

  Body(io::Loop& told_loop, Common::Body& told_common, limiter::Decider* told_local);

  void on_request(const SharedExchange& exchange);

  // The limit step (site.cc).
  void ask(const SharedExchange& exchange, const Routes::Row& row, std::string_view path);
  void decide(const std::shared_ptr<Step>& step, const limiter::Ask& ask);
  void settle(Step& step, Decision&& decision);
  void go_on(const SharedExchange& exchange, const Routes::Row& row, const io::Ip& client,
             Decision&& decision);
  void wait_for(const std::shared_ptr<Step>& step);
  void on_deadline();

  // What it answers itself (own_paths.cc).
  bool answer_own(const SharedExchange& exchange, std::string_view path);
  void health(const SharedExchange& exchange);
  void register_instance(const SharedExchange& exchange);
  void deregister_instance(const SharedExchange& exchange);
  void list_instances(const SharedExchange& exchange);
  // False: it is answered that it may not.
  bool admit(proxy::Exchange& exchange) const;

  // /compute_hash (hash_path.cc).
  bool fits_hash(proxy::Exchange& exchange, const Routes::Row& row, std::string_view path) const;
  void compute_hash(const SharedExchange& exchange, const Routes::Row& row, Decision&& decision);

  io::Loop& loop;
  Common::Body& common;
  limiter::Decider* const local;
  std::optional<Remote> remote;
  HashDesk hashes;
  Rendering rendering;
  std::deque<std::pair<base::Time, std::weak_ptr<Step>>> steps;  // By deadline.
  io::Alarm alarm;
};

// The fields of a decision that go into an answer.
void append_fields(Decision&& decision,
                   std::vector<std::pair<std::string_view, std::string>>& fields);

}  // namespace gateway

// The api and limiter listeners: HTTP, guarded against web pages, answered by the verbs' twins.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "command/http_api.h"
#include "http/http.h"
#include "server/talk.h"
#include "server/traffic.h"

namespace server {

// What all connections of an api listener share. Outlives them.
struct Api {
  command::Listener listener;
  std::vector<command::Services> services;  // By worker.
  http::ConnectionOptions options;
  http::PageGuard guard;
  HttpTraffic& traffic;
};

class ApiTalk final : public Talk, private http::Application {
 public:
  // `on_ready` is called, never from inside feed(), when a later answer has put bytes into out().
  ApiTalk(Api& api, size_t worker, command::Caller caller, base::Random& ids,
          std::function<void()> on_ready);
  ~ApiTalk() override;

  size_t feed(std::string_view bytes) override;
  std::string& out() override { return connection_.out(); }
  State state() const override {
    return {.waiting = connection_.waiting(),
            .closing = connection_.closing(),
            .more = connection_.more(),
            .owing = connection_.waiting()};
  }
  base::Time deadline() const override { return connection_.deadline(); }
  void expire() override { connection_.expire(services_.clock.now()); }
  void hang_up() override;
  void stop() override { connection_.last_answer(); }
  void rest() override { connection_.rest(); }

 private:
  // Where an answer goes. Shared with the verb that may answer later, when the connection is gone.
  struct Return {
    ApiTalk* talk;
  };

  void on_request(const http::Request& request) override;
  http::Answer refused(const http::Refusal& refusal) override;
  void reply(command::HttpAnswer&& answer);
  bool known(const http::Request& request) const;

  Api& api_;
  command::Services& services_;
  command::Caller caller_;
  http::Connection connection_;
  std::function<void()> on_ready_;
  std::shared_ptr<Return> return_;
  std::function<void(command::HttpAnswer&&)> reply_;  // Made once: a call costs no allocation.
  base::Time began_;                                  // When the last bytes came.
  std::string known_host_;                            // Has passed the guard.
  bool feeding_ = false;
};

}  // namespace server

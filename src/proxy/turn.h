// One request of a conversation, as its application holds it: it may be held longer than the
// request is served, and than the conversation lives.
//
// Thread: its conversation's.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "proxy/exchange.h"
#include "proxy/heads.h"

namespace proxy {

class Turn;

// Who serves it.
class TurnHome {
 public:
  virtual ~TurnHome() = default;
  virtual void read_body(size_t bytes_max, std::function<void(std::string_view)> read) = 0;
  virtual void answer(http::Answer&& answer) = 0;
  virtual void pass(const Way& way, std::string_view client) = 0;
};

class Turn final : public Exchange {
 public:
  // Takes a request's head: a copy of its bytes, into which everything views.
  std::optional<http::Refusal> begin(std::string_view text, const io::Ip& peer);
  void serve(TurnHome& home, base::Random& ids);
  void leave() { home_ = nullptr; }  // Served, or nobody is there any more.

  const RequestHead& request() const { return request_; }
  bool is_head() const { return request_.method == "HEAD"; }
  bool idempotent() const;
  const std::string& id() const { return id_; }
  const std::vector<std::pair<std::string_view, std::string>>& added() const { return added_; }

  const Head& head() const override { return head_; }
  void read_body(size_t bytes_max, std::function<void(std::string_view body)> read) override;
  void answer(http::Answer&& answer) override;
  void pass(const Way& way, std::string_view client,
            std::vector<std::pair<std::string_view, std::string>> added) override;
  bool gone() const override { return home_ == nullptr; }

 private:
  TurnHome* home_ = nullptr;
  std::string text_, host_, id_;
  RequestHead request_;
  Head head_;
  std::vector<std::pair<std::string_view, std::string>> added_;
};

}  // namespace proxy

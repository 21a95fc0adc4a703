#include "http/client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/version.h"
#include "http/exchange.h"
#include "io/loop.h"

namespace http {
namespace {

constexpr size_t kIdleHandlesMax = 1024;
constexpr int kRounds = 16;  // Then the loop's other sources have their turn.

void start_curl() {
  static const CURLcode started = ::curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(started == CURLE_OK);
}

std::string known_encodings() {
  const curl_version_info_data* const has = ::curl_version_info(CURLVERSION_NOW);
  const bool gzip = (has->features & CURL_VERSION_LIBZ) != 0;
  const bool brotli = (has->features & CURL_VERSION_BROTLI) != 0;
  return gzip && brotli ? "gzip, br" : gzip ? "gzip" : brotli ? "br" : "identity";
}

ClientOptions with_agent(ClientOptions options) {
  if (options.user_agent.empty()) options.user_agent = "ratelimmq/" + std::string(base::version());
  return options;
}

}  // namespace

std::string_view to_string(Failure failure) {
  static constexpr std::array<std::string_view, 11> kNames = {
      "none",    "url",       "guard",    "dns",    "connect",  "tls",
      "timeout", "too_large", "redirect", "broken", "cancelled"};
  return kNames.at(static_cast<size_t>(failure));
}

struct Client::Body {
  Body(io::Loop& loop, ClientOptions options);
  ~Body();

  Id send(const Outgoing& outgoing, Done&& done);
  void cancel(Id id);
  void pump();

  Exchange& take_slot();
  void collect();
  void on_end(Exchange& exchange, CURLcode code);
  bool tell();  // False: this is gone.
  void start();
  void end(Exchange& exchange);
  void release(Exchange& exchange);
  void make_room();
  Exchange* present(Id id);
  void drop_cancelled();

  CURLM* multi;
  CurlSockets sockets;
  Setting setting;
  std::vector<std::unique_ptr<Exchange>> exchanges;  // By slot.
  std::vector<Exchange*> resting, bare;              // Free, with and without a handle.
  std::vector<Exchange*> waiting, starting, ended, telling;
  std::vector<Id> cancelled;
  size_t in_flight = 0;
  long room = 0;  // CURLMOPT_MAXCONNECTS.
  bool pumping = false;
  bool* gone = nullptr;  // Of the pump that is running.
};

Client::Body::Body(io::Loop& loop, ClientOptions options)
    : multi(::curl_multi_init()),
      sockets(loop.poll(), multi, [this] { pump(); }),
      setting{.options = with_agent(std::move(options)),
              .sockets = sockets,
              .encodings = known_encodings()} {
  CHECK(multi != nullptr);
  for (const std::string& entry : setting.options.resolve) {
    setting.resolve = ::curl_slist_append(setting.resolve, entry.c_str());
  }
  make_room();
}

Client::Body::~Body() {
  if (gone != nullptr) *gone = true;
  for (const std::unique_ptr<Exchange>& each : exchanges) {
    if (each->state == Exchange::State::kRunning) ::curl_multi_remove_handle(multi, each->easy());
  }
  exchanges.clear();
  ::curl_multi_cleanup(multi);
  ::curl_slist_free_all(setting.resolve);
}

Exchange& Client::Body::take_slot() {
  for (std::vector<Exchange*>* from : {&resting, &bare}) {
    if (from->empty()) continue;
    Exchange& exchange = *from->back();
    from->pop_back();
    return exchange;
  }
  exchanges.push_back(std::make_unique<Exchange>(setting, static_cast<uint32_t>(exchanges.size())));
  return *exchanges.back();
}

// libcurl counts connections in use too.
void Client::Body::make_room() {
  constexpr size_t kStep = 64;
  const size_t used = (in_flight / kStep + 1) * kStep;
  const auto wanted = static_cast<long>(setting.options.idle_connections_max + used);
  if (std::exchange(room, wanted) != wanted) {
    ::curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, wanted);
  }
}

Client::Id Client::Body::send(const Outgoing& outgoing, Done&& done) {
  Exchange& exchange = take_slot();
  ++exchange.generation;
  ++in_flight;
  make_room();
  if (exchange.set_up(outgoing, std::move(done))) {
    exchange.state = Exchange::State::kWaiting;
    waiting.push_back(&exchange);
  } else {
    end(exchange);
  }
  if (!pumping) sockets.wake();
  return Id{exchange.generation} << 32 | exchange.slot();
}

void Client::Body::cancel(Id id) {
  if (present(id) == nullptr) return;
  cancelled.push_back(id);
  if (!pumping) sockets.wake();
}

// Nothing if it has ended, even if its `done` has not been called.
Exchange* Client::Body::present(Id id) {
  const auto slot = static_cast<uint32_t>(id);
  if (slot >= exchanges.size()) return nullptr;
  Exchange& exchange = *exchanges[slot];
  const bool is = exchange.generation == id >> 32 && (exchange.state == Exchange::State::kWaiting ||
                                                      exchange.state == Exchange::State::kRunning);
  return is ? &exchange : nullptr;
}

// libcurl's and the owner's callbacks have returned, so everything may be done here.
void Client::Body::pump() {
  bool destroyed = false;
  gone = &destroyed;
  pumping = true;
  bool done = false;
  for (int i = 0; i < kRounds && !done; ++i) {
    drop_cancelled();
    collect();
    if (!tell()) return;
    start();
    done = !sockets.due() && ended.empty() && waiting.empty() && cancelled.empty();
    if (sockets.due()) sockets.run_due();
  }
  pumping = false;
  gone = nullptr;
  if (!done) sockets.wake();
}

void Client::Body::drop_cancelled() {
  for (size_t i = 0; i < cancelled.size(); ++i) {
    Exchange* const exchange = present(cancelled[i]);
    if (exchange == nullptr) continue;
    if (exchange->state == Exchange::State::kRunning) {
      ::curl_multi_remove_handle(multi, exchange->easy());
    } else {
      std::erase(waiting, exchange);
    }
    exchange->fail(Failure::kCancelled, "cancelled");
    end(*exchange);
  }
  cancelled.clear();
}

void Client::Body::collect() {
  int left = 0;
  while (const CURLMsg* const message = ::curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const easy = message->easy_handle;
    const CURLcode code = message->data.result;  // The message is gone with the handle.
    Exchange* exchange = nullptr;
    ::curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange);
    ::curl_multi_remove_handle(multi, easy);
    on_end(*exchange, code);
  }
}

void Client::Body::on_end(Exchange& exchange, CURLcode code) {
  exchange.conclude(code);
  if (!exchange.follows() || !exchange.follow()) return end(exchange);
  exchange.state = Exchange::State::kWaiting;
  waiting.push_back(&exchange);
}

void Client::Body::end(Exchange& exchange) {
  exchange.state = Exchange::State::kEnded;
  ended.push_back(&exchange);
}

bool Client::Body::tell() {
  const bool* const destroyed = gone;
  std::swap(ended, telling);
  for (size_t i = 0; i < telling.size(); ++i) {
    Exchange& exchange = *telling[i];
    const Done done = std::move(exchange.done);
    Response response = std::move(exchange.response);
    release(exchange);
    if (done) done(std::move(response));
    if (*destroyed) return false;
  }
  telling.clear();
  return true;
}

void Client::Body::release(Exchange& exchange) {
  exchange.rest();
  exchange.state = Exchange::State::kFree;
  --in_flight;
  make_room();
  const bool keep = exchange.easy() != nullptr && resting.size() < kIdleHandlesMax;
  if (!keep) exchange.drop_handle();
  (keep ? resting : bare).push_back(&exchange);
}

void Client::Body::start() {
  std::swap(waiting, starting);
  for (Exchange* const exchange : starting) {
    if (exchange->prepare()) {
      exchange->state = Exchange::State::kRunning;
      CHECK(::curl_multi_add_handle(multi, exchange->easy()) == CURLM_OK);
    } else {
      end(*exchange);
    }
  }
  starting.clear();
}

Client::Client(io::Loop& loop, ClientOptions options) {
  start_curl();
  body_ = std::make_unique<Body>(loop, std::move(options));
}

Client::~Client() = default;

Client::Id Client::send(const Outgoing& outgoing, Done done) {
  return body_->send(outgoing, std::move(done));
}

void Client::cancel(Id id) { body_->cancel(id); }
size_t Client::in_flight() const { return body_->in_flight; }
size_t Client::connections() const { return body_->sockets.connections(); }

}  // namespace http

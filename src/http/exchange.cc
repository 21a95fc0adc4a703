#include "http/exchange.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/check.h"
#include "base/version.h"
#include "io/clock.h"

namespace http {
namespace {

constexpr size_t kExpectBytes = size_t{1} << 20;  // From here on libcurl would ask for "100".

template <typename T>
void tell(CURL* easy, CURLoption option, T value) {
  CHECK(::curl_easy_setopt(easy, option, value) == CURLE_OK);
}

bool redirects(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool asks_for_pause(int status) { return status == 429 || status == 503; }

base::Duration microseconds(CURL* easy, CURLINFO what) {
  curl_off_t value = 0;
  ::curl_easy_getinfo(easy, what, &value);
  return std::chrono::microseconds(value);
}

}  // namespace

Exchange::~Exchange() { drop_handle(); }

void Exchange::rest() {
  done = nullptr;
  on_body_ = nullptr;
  body_ = {};
}

void Exchange::drop_handle() {
  if (easy_ != nullptr) ::curl_easy_cleanup(std::exchange(easy_, nullptr));
  told_ = {};
}

void Exchange::make_handle() {
  easy_ = ::curl_easy_init();
  CHECK(easy_ != nullptr);
  const ClientOptions& options = setting_.options;
  tell(easy_, CURLOPT_PRIVATE, this);
  tell(easy_, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
  tell(easy_, CURLOPT_QUICK_EXIT, 1L);  // A name server that is slow must not hold up the loop.
#endif
#if LIBCURL_VERSION_NUM >= 0x075500
  tell(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  tell(easy_, CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  tell(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  tell(easy_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  tell(easy_, CURLOPT_PROXY, "");  // Not the environment's.
  tell(easy_, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  tell(easy_, CURLOPT_DNS_CACHE_TIMEOUT,
       static_cast<long>(
           std::chrono::duration_cast<std::chrono::seconds>(options.dns_cache).count()));
  tell(easy_, CURLOPT_USERAGENT, options.user_agent.c_str());
  tell(easy_, CURLOPT_ERRORBUFFER, error_.data());
  if (!options.ca_file.empty()) tell(easy_, CURLOPT_CAINFO, options.ca_file.c_str());
  if (setting_.resolve != nullptr) tell(easy_, CURLOPT_RESOLVE, setting_.resolve);
  tell(easy_, CURLOPT_OPENSOCKETFUNCTION, &Exchange::on_open);
  tell(easy_, CURLOPT_OPENSOCKETDATA, this);
  tell(easy_, CURLOPT_CLOSESOCKETFUNCTION, &Exchange::on_close);
  tell(easy_, CURLOPT_CLOSESOCKETDATA, &setting_.sockets);
  tell(easy_, CURLOPT_HEADERFUNCTION, &Exchange::on_header);
  tell(easy_, CURLOPT_HEADERDATA, this);
  tell(easy_, CURLOPT_WRITEFUNCTION, &Exchange::on_bytes);
  tell(easy_, CURLOPT_WRITEDATA, this);
}

bool Exchange::set_up(const Outgoing& outgoing, Client::Done&& when_done) {
  CHECK(outgoing.url != nullptr);
  done = std::move(when_done);
  response = {};
  started_ = io::monotonic();
  deadline_ = started_ + outgoing.timeout;
  url_ = *outgoing.url;
  method_ = outgoing.method;
  body_ = outgoing.body;
  header_bytes_max_ = outgoing.header_bytes_max;
  body_bytes_max_ = outgoing.body_bytes_max;
  kept_bytes_ = outgoing.kept_bytes;
  redirects_left_ = redirects_max_ = outgoing.redirects_max;
  strict_redirects_ = outgoing.strict_redirects;
  decompress_ = outgoing.decompress;
  on_body_ = outgoing.on_body;
  if (const base::Status taken = fields_.take(outgoing.fields); !taken) {
    fail(Failure::kUrl, taken.error().what);
    return false;
  }
  if (!is_token(method_) || base::same_in_any_case(method_, "CONNECT")) {
    fail(Failure::kUrl, "no method that can be sent");
    return false;
  }
  return true;
}

void Exchange::tell_method() {
  const bool uploads =
      !body_.empty() || method_ == "POST" || method_ == "PUT" || method_ == "PATCH";
  const Kind kind = uploads ? Kind::kUpload : method_ == "HEAD" ? Kind::kHead : Kind::kGet;
  if (uploads) {
    // Nothing that libcurl would make up by itself.
    if (!fields_.has("content-type")) fields_.add("Content-Type:");
    if (body_.size() >= kExpectBytes) fields_.add("Expect:");
    tell(easy_, CURLOPT_POSTFIELDS, body_.empty() ? "" : body_.data());
    tell(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
  }
  if (kind != told_.kind) {
    // HTTPGET undoes both of the others.
    tell(easy_, CURLOPT_HTTPGET, 1L);
    if (kind == Kind::kHead) tell(easy_, CURLOPT_NOBODY, 1L);
    if (kind == Kind::kUpload) tell(easy_, CURLOPT_POST, 1L);
    told_.kind = kind;
  }
  const std::string_view usual = kind == Kind::kUpload ? "POST"
                                 : kind == Kind::kHead ? "HEAD"
                                                       : "GET";
  const std::string_view custom = method_ == usual ? std::string_view() : method_;
  if (custom != told_.method) {
    told_.method = custom;
    tell(easy_, CURLOPT_CUSTOMREQUEST, custom.empty() ? nullptr : told_.method.c_str());
  }
}

void Exchange::tell_reuse(bool reuse) {
  if (std::exchange(told_.reuse, reuse) != reuse) {
    tell(easy_, CURLOPT_FORBID_REUSE, reuse ? 0L : 1L);
  }
}

bool Exchange::prepare() {
  if (setting_.options.guard.mode() != GuardMode::kOff && name_on_hard_floor(url_.host)) {
    fail(Failure::kGuard, "the host is a cloud's metadata service");
    return false;
  }
  if (easy_ == nullptr) make_handle();
  head_.begin({.bytes_max = header_bytes_max_,
               .decompress = decompress_,
               .brotli = setting_.encodings.ends_with("br")});
  hop_bytes_ = 0;
  opened_ = refused_ = 0;
  following_ = false;
  stop_ = Failure::kNone;
  stop_why_ = {};
  error_[0] = '\0';
  hop_started_ = redirects_left_ == redirects_max_ ? started_ : io::monotonic();

  tell_reuse(true);
  if (told_.url != url_.text) tell(easy_, CURLOPT_URL, (told_.url = url_.text).c_str());
  tell_method();
  const curl_slist* const fields = fields_.list();
  if (std::exchange(told_.fields, fields) != fields) tell(easy_, CURLOPT_HTTPHEADER, fields);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - hop_started_).count();
  const long timeout_ms = std::max(1L, static_cast<long>(left));
  if (std::exchange(told_.timeout_ms, timeout_ms) != timeout_ms) {
    tell(easy_, CURLOPT_TIMEOUT_MS, timeout_ms);
  }
  if (std::exchange(told_.decompress, decompress_) != decompress_) {
    tell(easy_, CURLOPT_ACCEPT_ENCODING, decompress_ ? setting_.encodings.c_str() : nullptr);
  }
  return true;
}

curl_socket_t Exchange::on_open(void* self, curlsocktype, curl_sockaddr* address) {
  auto& exchange = *static_cast<Exchange*>(self);
  if (address->family != AF_INET && address->family != AF_INET6) return CURL_SOCKET_BAD;
  sockaddr_storage storage{};
  std::copy_n(reinterpret_cast<const char*>(&address->addr),
              std::min<size_t>(address->addrlen, sizeof storage),
              reinterpret_cast<char*>(&storage));
  const ClientOptions& options = exchange.setting_.options;
  const Url& url = exchange.url_;
  const AddressGuard::Verdict verdict =
      options.guard.judge(url.host, io::Ip::of(storage), url.port);
  if (verdict.reported && options.on_report) options.on_report(url.host, verdict.range);
  if (!verdict.allowed) {
    ++exchange.refused_;
    exchange.stop_why_ = verdict.range;
    return CURL_SOCKET_BAD;
  }
  ++exchange.opened_;
  return exchange.setting_.sockets.open(*address);
}

int Exchange::on_close(void* sockets, curl_socket_t fd) {
  static_cast<CurlSockets*>(sockets)->close(fd);
  return 0;
}

void Exchange::stop(Failure failure, std::string_view why) {
  stop_ = failure;
  stop_why_ = why;
}

size_t Exchange::on_bytes(char* data, size_t, size_t size, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  const std::string_view bytes(data, size);
  Response& response = exchange.response;
  uint64_t& count = exchange.following_ ? exchange.hop_bytes_ : response.body_bytes;
  count += size;
  if (count > exchange.body_bytes_max_) {
    exchange.stop(Failure::kTooLarge, "the body is over its bound");
    return 0;
  }
  if (exchange.following_) return size;
  if (response.body.size() < exchange.kept_bytes_) {
    response.body += bytes.substr(0, exchange.kept_bytes_ - response.body.size());
  }
  if (exchange.on_body_ && !exchange.on_body_(bytes)) {
    exchange.stop(Failure::kCancelled, "cancelled");
    return 0;
  }
  return size;
}

size_t Exchange::on_header(char* line, size_t, size_t size, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  const AnswerHead& head = exchange.head_;
  if (!exchange.head_.take({line, size})) {
    exchange.stop(head.failure(), head.why());
    return 0;
  }
  exchange.following_ = head.whole() && exchange.would_follow();
  // A host that answers 429 or 503 will not be asked again soon: no connection is kept.
  if (head.whole()) exchange.tell_reuse(!asks_for_pause(head.status()));
  return size;
}

bool Exchange::would_follow() const {
  if (redirects_max_ == 0 || !redirects(head_.status()) || head_.location.empty()) return false;
  if (!strict_redirects_) return true;
  if (head_.status() < 307) return false;
  const base::Result<Url> next = resolve_url(url_, head_.location);
  return next && next->authority() == url_.authority();
}

Failure Exchange::failure_of(CURLcode code) const {
  if (stop_ != Failure::kNone) return stop_;
  switch (code) {
    case CURLE_OK:
      return Failure::kNone;
    case CURLE_COULDNT_RESOLVE_HOST:
      return Failure::kDns;
    case CURLE_COULDNT_CONNECT:
      return refused_ > 0 && opened_ == 0 ? Failure::kGuard : Failure::kConnect;
    case CURLE_OPERATION_TIMEDOUT:
      return Failure::kTimeout;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return Failure::kTls;
    case CURLE_OUT_OF_MEMORY:  // So libcurl says that one line is over 100 KiB; later releases …
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE:  // … have this.
#endif
      return head_.whole() ? Failure::kBroken : Failure::kTooLarge;
    default:
      return Failure::kBroken;
  }
}

void Exchange::fail(Failure failure, std::string error) {
  response.failure = failure;
  response.error = std::move(error);
  response.phases.total = io::monotonic() - started_;
}

void Exchange::conclude(CURLcode code) {
  response.status = head_.status();
  response.retry_after = std::move(head_.retry_after);
  response.ratelimit = std::move(head_.ratelimit);
  response.age = std::move(head_.age);
  response.location = std::move(head_.location);
  response.failure = failure_of(code);
  const char* local = nullptr;
  ::curl_easy_getinfo(easy_, CURLINFO_LOCAL_IP, &local);
  if (local != nullptr) response.local = io::Ip::parse(local);
  take_phases();
  if (response.failure == Failure::kNone) return;
  if (response.failure == Failure::kGuard) {
    response.error = "every address is special (" + std::string(stop_why_) + ")";
  } else if (stop_ != Failure::kNone) {
    response.error = stop_why_;
  } else {
    response.error = error_[0] != '\0' ? error_.data() : ::curl_easy_strerror(code);
  }
}

void Exchange::take_phases() {
  const base::Duration before = hop_started_ - started_;
  const auto reached = [&](CURLINFO what) {
    const base::Duration at = microseconds(easy_, what);
    return at == base::Duration::zero() ? at : before + at;
  };
  Response::Phases& phases = response.phases;
  phases = {};
  if (opened_ > 0 || !head_.begun()) {  // Else the connection was there.
    phases.dns = reached(CURLINFO_NAMELOOKUP_TIME_T);
    phases.connect = reached(CURLINFO_CONNECT_TIME_T);
    phases.tls = reached(CURLINFO_APPCONNECT_TIME_T);
  }
  phases.first_byte = reached(CURLINFO_STARTTRANSFER_TIME_T);
  phases.total = io::monotonic() - started_;
}

bool Exchange::follow() {
  if (redirects_left_ == 0) {
    fail(Failure::kRedirect, "more than " + std::to_string(redirects_max_) + " redirects");
    return false;
  }
  base::Result<Url> next = resolve_url(url_, response.location);
  if (!next) {
    fail(Failure::kRedirect, "redirected to what cannot be fetched: " + next.error().what);
    return false;
  }
  if (url_.tls && !next->tls) {
    fail(Failure::kRedirect, "redirected from https to http");
    return false;
  }
  if (next->origin() != url_.origin()) fields_.clear();
  if (response.status < 307 && method_ != "HEAD") {
    method_ = "GET";
    body_ = {};
    fields_.drop("content-");
  }
  fields_.drop("expect:");
  --redirects_left_;
  url_ = std::move(*next);
  response = {};
  return true;
}

}  // namespace http

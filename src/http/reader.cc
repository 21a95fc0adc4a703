#include "http/reader.h"

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <functional>
#include <string>

#include "base/ascii.h"

namespace http {
namespace {

namespace beast = boost::beast;
using beast::error_code;
using beast::http::field;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }
Refusal refusal_for(const error_code& error) {
  using E = beast::http::error;
  if (error == E::header_limit) return {431, "the header is too large"};
  if (error == E::body_limit) return {413, "the body is too large"};
  if (error == E::bad_method) return {400, "the method is malformed"};
  if (error == E::bad_target) return {400, "the target is malformed"};
  if (error == E::bad_version) return {400, "the version is neither HTTP/1.1 nor HTTP/1.0"};
  if (error == E::bad_field || error == E::bad_value) return {400, "a header field is malformed"};
  if (error == E::bad_line_ending) return {400, "a line does not end in CR LF"};
  if (error == E::bad_content_length || error == E::multiple_content_length) {
    return {400, "Content-Length is no single number, or contradicts Transfer-Encoding"};
  }
  if (error == E::bad_transfer_encoding) {
    return {400, "Transfer-Encoding is given twice, or beside Content-Length"};
  }
  if (error == E::bad_chunk || error == E::bad_chunk_extension) {
    return {400, "a chunk is malformed"};
  }
  return {400, "the request is malformed"};
}

// What is kept of a header: copies, since the bytes may be gone when the body is there.
class Kept {
 public:
  enum Name : uint8_t { kMethod, kTarget, kHost, kOrigin, kSite, kType, kId, kNames };

  void keep(Name name, std::string_view value) {
    places_[name] = {text_.size(), value.size(), true};
    text_ += value;
  }
  bool has(Name name) const { return places_[name].there; }
  std::string_view get(Name name) const {
    return std::string_view(text_).substr(places_[name].at, places_[name].size);
  }
  void clear() {
    text_.clear();
    places_ = {};
  }

 private:
  struct Place {
    size_t at = 0, size = 0;
    bool there = false;
  };
  std::string text_;
  std::array<Place, kNames> places_{};
};

// One request's parser; Beast's cannot be used twice.
class OneRequest final : public beast::http::basic_parser<true> {
 public:
  OneRequest(const ReaderOptions& options, Kept& kept, std::string& body)
      : kept_(kept), body_(body), header_left_(options.header_bytes_max) {
    eager(true);
    header_limit(static_cast<uint32_t>(options.header_bytes_max));
    body_limit(options.body_bytes_max);
  }

  size_t take(std::string_view bytes, error_code& error) {
    fed_ = bytes;
    return put({bytes.data(), bytes.size()}, error);
  }
  const std::optional<Refusal>& refusal() const { return refusal_; }
  // True once, when the header is there, its client waits to be told to go on, and no byte of the
  // body has come.
  bool take_expectation() {
    return std::exchange(expects_, false) && is_header_done() && !is_done();
  }
  bool body_begun() const { return body_begun_; }
  bool old() const { return version_ < 11; }

 private:
  using Text = beast::string_view;

  void refuse(error_code& error, int status, std::string_view detail) {
    refusal_ = Refusal{status, detail};
    error = beast::http::error::bad_value;
  }
  void spend_header(size_t bytes, error_code& error) {
    if (bytes > header_left_) {
      error = beast::http::error::header_limit;
      return;
    }
    header_left_ -= bytes;
  }
  bool folded(Text name, Text value) const;
  void keep_once(Kept::Name name, Text value, error_code& error);
  void keep_known(field known, Text name, Text value, error_code& error);
  void check_target(error_code& error);

  void on_request_impl(beast::http::verb, Text method, Text target, int version,
                       error_code& error) override {
    version_ = version;
    kept_.keep(Kept::kMethod, view(method));
    kept_.keep(Kept::kTarget, view(target));
    spend_header(method.size() + target.size() + 12, error);
  }
  void on_response_impl(int, Text, int, error_code&) override {}
  void on_field_impl(field known, Text name, Text value, error_code& error) override {
    spend_header(name.size() + value.size() + 4, error);
    if (error) return;
    if (folded(name, value)) return refuse(error, 400, "a header line is folded");
    if (!body_begun_) keep_known(known, name, value, error);  // Trailers say nothing to us.
  }
  void on_header_impl(error_code& error) override {
    if (coded_ && !chunked()) return refuse(error, 501, "the only Transfer-Encoding is chunked");
    if (coded_ && old()) return refuse(error, 400, "HTTP/1.0 has no Transfer-Encoding");
    if (!old() && kept_.get(Kept::kHost).empty()) return refuse(error, 400, "Host is missing");
    check_target(error);
  }
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {
    body_begun_ = true;
  }
  size_t on_body_impl(Text bytes, error_code&) override {
    body_ += view(bytes);
    return bytes.size();
  }
  void on_chunk_header_impl(uint64_t, Text, error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, Text bytes, error_code&) override {
    body_ += view(bytes);
    return bytes.size();
  }
  void on_finish_impl(error_code&) override {}

  Kept& kept_;
  std::string& body_;
  std::string_view fed_;
  std::optional<Refusal> refusal_;
  size_t header_left_;
  int version_ = 0;
  bool coded_ = false;
  bool sized_ = false;
  bool expects_ = false;
  bool body_begun_ = false;
};

// Beast unfolds: then the value lies in a buffer of its own, or behind a line's end.
bool OneRequest::folded(Text name, Text value) const {
  const std::less<const char*> before;
  const char* const end = fed_.data() + fed_.size();
  if (before(value.data(), fed_.data()) || before(end, value.data())) return true;
  const char* const gap = name.data() + name.size();
  return std::find(gap, value.data(), '\n') != value.data();
}

void OneRequest::keep_once(Kept::Name name, Text value, error_code& error) {
  if (kept_.has(name)) return refuse(error, 400, "Host, Origin or Sec-Fetch-Site is given twice");
  kept_.keep(name, view(value));
}

void OneRequest::keep_known(field known, Text name, Text value, error_code& error) {
  switch (known) {
    case field::host:
      return keep_once(Kept::kHost, value, error);
    case field::content_type:
      return kept_.keep(Kept::kType, view(value));
    case field::origin:
      return keep_once(Kept::kOrigin, value, error);
    case field::content_length:
      if (sized_ || coded_) return refuse(error, 400, "the body's length is given twice");
      if (view(value).find_first_not_of("0123456789") != std::string_view::npos) {
        return refuse(error, 400, "Content-Length is no number");
      }
      sized_ = true;
      return;
    case field::transfer_encoding:
      if (sized_ || coded_) return refuse(error, 400, "the body's length is given twice");
      coded_ = true;
      if (!base::same_in_any_case(view(value), "chunked")) {
        return refuse(error, 501, "the only Transfer-Encoding is chunked");
      }
      return;
    case field::expect:
      if (!base::same_in_any_case(view(value), "100-continue")) {
        return refuse(error, 417, "the only expectation is 100-continue");
      }
      expects_ = !old();
      return;
    default:
      break;
  }
  if (base::same_in_any_case(view(name), "X-Request-Id")) kept_.keep(Kept::kId, view(value));
  if (base::same_in_any_case(view(name), "Sec-Fetch-Site")) keep_once(Kept::kSite, value, error);
}

void OneRequest::check_target(error_code& error) {
  constexpr std::string_view kScheme = "http://";
  const std::string target(kept_.get(Kept::kTarget));
  if (target[0] == '/') return;
  if (target.size() <= kScheme.size() ||
      !base::same_in_any_case(target.substr(0, kScheme.size()), kScheme)) {
    return refuse(error, 400, "the target is neither a path nor http://host/path");
  }
  const size_t path = std::min(target.find_first_of("/?", kScheme.size()), target.size());
  if (path == kScheme.size()) return refuse(error, 400, "the target names no host");
  kept_.keep(Kept::kHost, std::string_view(target).substr(kScheme.size(), path - kScheme.size()));
  const bool slash = path < target.size() && target[path] == '/';
  kept_.keep(Kept::kTarget, (slash ? "" : "/") + target.substr(path));
}

}  // namespace

class Reader::Parser {
 public:
  Kept kept;
  std::string body;
  std::optional<OneRequest> one;
  std::optional<Refusal> refusal;
  size_t consumed = 0;
  size_t seen = 0;  // How many bytes the last step left; as many again say nothing new.
};

Reader::Reader(ReaderOptions options) : options_(options) {}
Reader::~Reader() = default;

size_t Reader::consumed() const { return parser_ ? parser_->consumed : 0; }
bool Reader::begun() const { return parser_ && parser_->one; }
bool Reader::head() const { return begun() && parser_->kept.get(Kept::kMethod) == "HEAD"; }
bool Reader::keep_alive() const { return parser_->one->keep_alive(); }
bool Reader::http_1_0() const { return parser_->one->old(); }
Refusal Reader::refusal() const { return *parser_->refusal; }

// The shortest end of a chunked body, 0 CR LF CR LF. Beast 1.81 asserts that a half read chunk
// header comes again with no less; no chunk and what must follow it is shorter, so waiting loses
// nothing.
constexpr size_t kLastChunk = 5;

Reader::Found Reader::step(std::string_view bytes) {
  if (!parser_) parser_ = std::make_unique<Parser>();
  Parser& p = *parser_;
  p.consumed = 0;
  if (bytes.size() <= p.seen ||
      (p.seen > 0 && p.one->is_header_done() && bytes.size() < kLastChunk)) {
    return Found::kMore;
  }
  if (!p.one) p.one.emplace(options_, p.kept, p.body);
  error_code error;
  p.consumed = p.one->take(bytes, error);
  p.seen = bytes.size() - p.consumed;
  if (error && error != beast::http::error::need_more) {
    p.refusal = p.one->refusal() ? *p.one->refusal() : refusal_for(error);
    return Found::kRefused;
  }
  if (p.one->is_done()) {
    p.seen = 0;
    return Found::kRequest;
  }
  if (p.seen >= options_.header_bytes_max) {
    p.refusal = Refusal{400, "a chunk's header is too long"};
    return Found::kRefused;
  }
  if (p.one->take_expectation() && !p.one->body_begun() && p.seen == 0) return Found::kContinue;
  return Found::kMore;
}

Request Reader::request() const {
  const Kept& kept = parser_->kept;
  return {.method = kept.get(Kept::kMethod),
          .target = kept.get(Kept::kTarget),
          .host = kept.get(Kept::kHost),
          .origin = kept.get(Kept::kOrigin),
          .sec_fetch_site = kept.get(Kept::kSite),
          .content_type = kept.get(Kept::kType),
          .request_id = kept.get(Kept::kId),
          .body = parser_->body};
}

void Reader::next() {
  constexpr size_t kBodyKept = 4096;
  parser_->one.reset();
  parser_->kept.clear();
  if (parser_->body.capacity() > kBodyKept) std::string().swap(parser_->body);
  parser_->body.clear();
}

void Reader::rest() {
  if (!begun()) parser_.reset();
}

}  // namespace http

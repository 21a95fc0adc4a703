#include "gateway/problem.h"

#include <string>
#include <utility>

#include "gateway/text.h"
#include "http/writer.h"

namespace gateway {
namespace {

constexpr std::string_view kQuotaExceeded =
    "https://iana.org/assignments/http-problem-types#quota-exceeded";
constexpr std::string_view kReducedCapacity =
    "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";

// The word that the TCP port would say.
std::string_view code_of(int status) {
  switch (status) {
    case 401:
      return "NOAUTH";
    case 403:
      return "NOPERM";
    case 404:
      return "NOTFOUND";
    case 429:
      return "LIMITED";
    case 500:
    case 502:
    case 504:
      return "UNKNOWN";
    case 503:
      return "SHUTDOWN";
    case 507:
      return "FULL";
    default:
      return "ERR";
  }
}

class Record {
 public:
  Record& text(std::string_view name, std::string_view value) {
    begin(name);
    append_json(value, out_);
    return *this;
  }
  Record& some_text(std::string_view name, std::string_view value) {
    return value.empty() ? *this : text(name, value);
  }
  Record& number(std::string_view name, int64_t value) {
    begin(name);
    out_ += std::to_string(value);
    return *this;
  }
  Record& raw(std::string_view name, std::string_view json) {
    begin(name);
    out_ += json;
    return *this;
  }
  std::string take() { return std::move(out_ += '}'); }

 private:
  void begin(std::string_view name) {
    out_ += out_.empty() ? '{' : ',';
    append_json(name, out_);
    out_ += ':';
  }
  std::string out_;
};

void add(http::Answer& answer, std::string_view name, std::string value) {
  if (!value.empty()) answer.headers.emplace_back(name, std::move(value));
}

int status_of(const base::Error& error) {
  switch (error.code) {
    case base::Code::kInvalid:
      return error.field.empty() ? 400 : 422;
    case base::Code::kNoAuth:
      return 401;
    case base::Code::kNoPerm:
      return 403;
    case base::Code::kNotFound:
      return 404;
    case base::Code::kFull:
      return 507;
    default:
      return 500;
  }
}

}  // namespace

http::Answer problem_answer(const Problem& problem) {
  Record record;
  record.text("type", problem.type.empty() ? "about:blank" : problem.type)
      .text("title", http::reason(problem.status))
      .number("status", problem.status)
      .text("detail", problem.detail)
      .text("code", problem.code.empty() ? code_of(problem.status) : problem.code)
      .some_text("field", problem.field)
      .some_text("reason", problem.reason);
  if (!problem.violated.empty()) {
    std::string list = "[";
    append_json(problem.violated, list);
    record.raw("violated-policies", list += ']');
  }
  if (problem.retry_after_ms) record.number("retry_after_ms", *problem.retry_after_ms);
  return {.status = problem.status,
          .content_type = "application/problem+json",
          .body = record.take(),
          .headers = {}};
}

http::Answer limited_answer(Decision&& decision) {
  std::string detail = "by " + decision.limited_by;
  if (decision.retry_after_ms) {
    detail += " retry_after_ms=" + std::to_string(*decision.retry_after_ms);
  }
  http::Answer answer = problem_answer({.status = 429,
                                        .detail = detail,
                                        .type = kQuotaExceeded,
                                        .violated = decision.limited_by,
                                        .retry_after_ms = decision.retry_after_ms});
  add(answer, "Retry-After", std::move(decision.retry_after));
  add(answer, "RateLimit-Policy", std::move(decision.rate_limit_policy));
  add(answer, "RateLimit", std::move(decision.rate_limit));
  return answer;
}

http::Answer undecided_answer(const Decision& decision) {
  const bool store = decision.outcome == Decision::Outcome::kRefused;
  return problem_answer({.status = 503,
                         .detail = store ? "the limits' store is gone, and a limit refuses then"
                                         : "no limiter has decided in time",
                         .code = "ERR",
                         .type = kReducedCapacity,
                         .reason = to_string(decision.reason)});
}

http::Answer error_answer(const base::Error& error) {
  http::Answer answer =
      problem_answer({.status = status_of(error), .detail = error.what, .field = error.field});
  if (error.code == base::Code::kNoAuth) answer.headers.emplace_back("WWW-Authenticate", "Bearer");
  return answer;
}

http::Answer wrong_method_answer(std::string_view allowed) {
  http::Answer answer =
      problem_answer({.status = 405, .detail = "only " + std::string(allowed) + " is possible"});
  answer.headers.emplace_back("Allow", std::string(allowed));
  return answer;
}

}  // namespace gateway

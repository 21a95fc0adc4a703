#include "command/http_problem.h"

#include <array>

#include "base/check.h"
#include "command/http_fields.h"
#include "command/records.h"
#include "protocol/writer.h"

namespace command {
namespace {

struct Status {
  int status;
  std::string_view title;
  std::string_view code;
};

constexpr std::array<Status, 17> kStatuses = {{
    {400, "Bad Request", "ERR"},
    {401, "Unauthorized", "NOAUTH"},
    {403, "Forbidden", "NOPERM"},
    {404, "Not Found", "NOTFOUND"},
    {405, "Method Not Allowed", "ERR"},
    {408, "Request Timeout", "ERR"},
    {409, "Conflict", "STALE"},
    {411, "Length Required", "ERR"},
    {413, "Content Too Large", "ERR"},
    {415, "Unsupported Media Type", "ERR"},
    {422, "Unprocessable Content", "ERR"},
    {429, "Too Many Requests", "LIMITED"},
    {431, "Request Header Fields Too Large", "ERR"},
    {500, "Internal Server Error", "UNKNOWN"},
    {501, "Not Implemented", "ERR"},
    {503, "Service Unavailable", "SHUTDOWN"},
    {507, "Insufficient Storage", "FULL"},
}};

const Status& row(int status) {
  for (const Status& known : kStatuses) {
    if (known.status == status) return known;
  }
  static constexpr Status kOther = {0, "Error", "ERR"};
  return kOther;
}

// The type of a quota's refusal is registered with IANA (draft-ietf-httpapi-ratelimit-headers).
std::string_view type_of(int status) {
  return status == 429 ? "https://iana.org/assignments/http-problem-types#quota-exceeded"
                       : "about:blank";
}

}  // namespace

int status_of(base::Code code) {
  switch (code) {
    case base::Code::kInvalid:
      return 422;
    case base::Code::kLimited:
      return 429;
    case base::Code::kNoAuth:
      return 401;
    case base::Code::kNoPerm:
      return 403;
    case base::Code::kNotFound:
      return 404;
    case base::Code::kStale:
      return 409;
    case base::Code::kFull:
    case base::Code::kReadOnly:
      return 507;
    case base::Code::kShutdown:
      return 503;
    case base::Code::kUnknown:
    case base::Code::kIo:
      return 500;
  }
  return 500;
}

std::string problem_body(const Problem& problem) {
  const Status& known = row(problem.status);
  std::string body;
  protocol::Writer writer(protocol::Wire::kJson, body);
  writer.record(5u + !problem.field.empty() + !problem.violated.empty() +
                problem.retry_after_ms.has_value());
  writer.field("type").text(problem.type.empty() ? type_of(problem.status) : problem.type);
  writer.field("title").text(problem.title.empty() ? known.title : problem.title);
  writer.field("status").integer(problem.status);
  writer.field("detail").text(problem.detail);
  writer.field("code").text(problem.code.empty() ? known.code : problem.code);
  if (!problem.field.empty()) writer.field("field").text(problem.field);
  if (!problem.violated.empty()) {
    writer.field("violated-policies").list(1).text(problem.violated);
  }
  if (problem.retry_after_ms) writer.field("retry_after_ms").integer(*problem.retry_after_ms);
  CHECK(writer.complete());
  return body;
}

HttpAnswer problem_answer(const Problem& problem) {
  return {.status = problem.status,
          .content_type = "application/problem+json",
          .body = problem_body(problem),
          .headers = {}};
}

HttpAnswer problem_answer(const base::Error& error) {
  return problem_answer({.status = status_of(error.code),
                         .detail = error.what,
                         .field = error.field,
                         .code = protocol::prefix(error.code)});
}

HttpAnswer limited_answer(std::string_view limited_by, const limit::Decision& numbers) {
  HttpAnswer answer = problem_answer({.status = 429,
                                      .detail = limited_text(limited_by, numbers),
                                      .violated = limited_by,
                                      .retry_after_ms = retry_after_ms(numbers)});
  add_retry_after(numbers, answer);
  add_refusing_limit(limited_by, numbers, answer);
  return answer;
}

HttpAnswer no_content() { return {.status = 204, .content_type = {}, .body = {}, .headers = {}}; }

HttpAnswer problem(int status, std::string_view title, std::string_view detail,
                   std::string_view field) {
  return problem_answer({.status = status, .detail = detail, .field = field, .title = title});
}

}  // namespace command

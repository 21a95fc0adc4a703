#include "http/writer.h"

#include <time.h>

#include <array>
#include <charconv>

namespace http {
namespace {

void append_number(std::string& out, size_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "";
  }
}

std::string_view http_date(base::Time now) {
  thread_local time_t second = -1;
  thread_local std::array<char, 32> text;
  thread_local size_t size = 0;
  const time_t present = base::nanoseconds(now) / 1'000'000'000;
  if (present != second) {
    second = present;
    tm parts{};
    gmtime_r(&second, &parts);
    size = strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  }
  return {text.data(), size};
}

void write(const Answer& answer, const Sending& sending, std::string& out) {
  const bool bare = answer.status == 204 || answer.status == 304;
  out += "HTTP/1.1 ";
  append_number(out, static_cast<size_t>(answer.status));
  out.append(1, ' ').append(reason(answer.status)).append("\r\n");
  append_field(out, "Date", http_date(sending.now));
  if (!bare) {
    append_field(out, "Content-Type", answer.content_type);
    out += "Content-Length: ";
    append_number(out, answer.body.size());
    out += "\r\n";
  }
  append_field(out, "X-Request-Id", sending.request_id);
  for (const auto& [name, value] : answer.headers) append_field(out, name, value);
  if (sending.close) {
    out += "Connection: close\r\n";
  } else if (sending.keep_alive) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
  if (!bare && !sending.head) out += answer.body;
}

}  // namespace http

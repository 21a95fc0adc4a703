#include "http/connection.h"

#include <gtest/gtest.h>

#include <optional>

#include "http/writer.h"

namespace http {
namespace {

constexpr base::Time kNow = base::time_from(784'111'777'000'000'000);

// Answers each request with its method, target and body, at once or when told.
class Echo : public Application {
 public:
  explicit Echo(ConnectionOptions with = {})
      : options(with), connection(options, *this, ids, kNow) {}

  void on_request(const Request& request) override {
    Answer answer;
    answer.content_type = "text/plain";
    answer.body.append(request.method).append(" ").append(request.target).append(" ");
    answer.body.append(request.body);
    hosts.emplace_back(request.host);
    if (later) {
      owed = std::move(answer);
    } else {
      connection.answer(std::move(answer), kNow);
    }
  }
  Answer refused(const Refusal& refusal) override {
    Answer answer;
    answer.status = refusal.status;
    answer.body = refusal.detail;
    return answer;
  }

  // Feeds as a session does: what is left over comes again with more behind it.
  std::string feed(std::string_view bytes) {
    rest += bytes;
    rest.erase(0, connection.feed(rest, kNow));
    return std::exchange(connection.out(), {});
  }

  base::Random ids{7};
  ConnectionOptions options;
  bool later = false;
  std::optional<Answer> owed;
  std::vector<std::string> hosts;
  std::string rest;
  Connection connection;
};

std::string body_of(const std::string& answer) {
  const size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "(none)" : answer.substr(end + 4);
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}
std::string get(std::string_view path, std::string_view fields = {}) {
  std::string out = "GET ";
  return out.append(path).append(" HTTP/1.1\r\nHost: h\r\n").append(fields).append("\r\n");
}
std::string post(std::string_view fields, std::string_view body) {
  std::string out = "POST /p HTTP/1.1\r\nHost: h\r\n";
  return out.append(fields).append("\r\n").append(body);
}

TEST(HttpConnection, AnAnswerCarriesDateLengthAndRequestId) {
  Echo echo;
  EXPECT_EQ(echo.feed(get("/a?b=c", "X-Request-Id: one\r\n")),
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: text/plain\r\nContent-Length: 11\r\nX-Request-Id: one\r\n\r\n"
            "GET /a?b=c ");
  EXPECT_FALSE(echo.connection.closing());
}

TEST(HttpConnection, ARequestIdThatCannotBeEchoedIsReplaced) {
  for (const std::string& id : {std::string(), std::string(129, 'x'), std::string("a\xc3\xa4")}) {
    Echo echo;
    const std::string answer = echo.feed(get("/", "X-Request-Id: " + id + "\r\n"));
    const size_t at = answer.find("X-Request-Id: ") + 14;
    EXPECT_EQ(answer.find("\r\n", at) - at, 16u) << answer;
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
  }
  Echo echo;
  EXPECT_TRUE(has(echo.feed(get("/", "X-Request-Id: " + std::string(128, 'x') + "\r\n")),
                  std::string(128, 'x')));
}

TEST(HttpConnection, PipelinedRequestsAreAnsweredInOrder) {
  Echo echo;
  std::string all;
  for (int i = 0; i < 100; ++i) all += get("/" + std::to_string(i));
  const std::string answers = echo.feed(all);
  size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    at = answers.find("GET /" + std::to_string(i) + " ", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST(HttpConnection, EveryCutOfARequestGivesTheSameAnswer) {
  const std::string request =
      post("Content-Type: x\r\nContent-Length: 5\r\n", "hello") +
      post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n") +
      get("/last");
  Echo whole;
  const std::string expected = whole.feed(request);
  EXPECT_TRUE(has(expected, "POST /p hello"));
  EXPECT_TRUE(has(expected, "POST /p abcde"));
  EXPECT_TRUE(has(expected, "GET /last "));
  const size_t ids = expected.size();
  for (size_t cut = 1; cut < request.size(); ++cut) {
    Echo echo;
    std::string answers = echo.feed(request.substr(0, cut));
    answers += echo.feed(request.substr(cut));
    ASSERT_EQ(answers.size(), ids) << cut;
    ASSERT_TRUE(has(answers, "POST /p abcde")) << cut;
  }
  Echo bytewise;
  std::string answers;
  for (const char c : request) answers += bytewise.feed(std::string(1, c));
  EXPECT_EQ(answers.size(), ids);
}

TEST(HttpConnection, AnEmptyChunkedBodyMayComeByteByByte) {
  Echo echo;
  EXPECT_EQ(echo.feed(post("Transfer-Encoding: chunked\r\n", "0\r\n")), "");
  EXPECT_EQ(echo.feed("\r"), "");
  EXPECT_EQ(body_of(echo.feed("\n")), "POST /p ");
}

TEST(HttpConnection, HeadHasTheLengthButNoBody) {
  Echo echo;
  const std::string answer = echo.feed("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(has(answer, "Content-Length: 8\r\n"));
  EXPECT_EQ(body_of(answer), "");
}

TEST(HttpConnection, OldHttpClosesUnlessAskedNotTo) {
  Echo closing;
  EXPECT_TRUE(has(closing.feed("GET / HTTP/1.0\r\n\r\n"), "Connection: close\r\n"));
  EXPECT_TRUE(closing.connection.closing());
  Echo keeping;
  EXPECT_TRUE(has(keeping.feed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
                  "Connection: keep-alive\r\n"));
  EXPECT_FALSE(keeping.connection.closing());
  Echo asked;
  EXPECT_TRUE(has(asked.feed(get("/", "Connection: close\r\n")), "Connection: close\r\n"));
  EXPECT_TRUE(asked.connection.closing());
}

TEST(HttpConnection, ContinueIsSentToWhoWaitsForIt) {
  Echo echo;
  const std::string fields = "Expect: 100-continue\r\nContent-Length: 2\r\n";
  EXPECT_EQ(echo.feed(post(fields, "")), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(echo.feed("h"), "");
  EXPECT_EQ(body_of(echo.feed("i")), "POST /p hi");
  EXPECT_TRUE(echo.feed(post(fields, "hi")).starts_with("HTTP/1.1 200"));
}

TEST(HttpConnection, ABodyOverTheBoundIsRefusedBeforeItComes) {
  Echo echo({.reader = {.body_bytes_max = 10}});
  EXPECT_TRUE(echo.feed(post("Content-Length: 11\r\nExpect: 100-continue\r\n", ""))
                  .starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(echo.connection.closing());
  Echo chunked({.reader = {.body_bytes_max = 10}});
  EXPECT_TRUE(chunked.feed(post("Transfer-Encoding: chunked\r\n", "6\r\nabcdef\r\n5\r\nabcde\r\n"))
                  .starts_with("HTTP/1.1 413 "));
  Echo fitting({.reader = {.body_bytes_max = 10}});
  EXPECT_TRUE(
      fitting.feed(post("Content-Length: 10\r\n", "0123456789")).starts_with("HTTP/1.1 200 "));
}

TEST(HttpConnection, AHeaderOverTheBoundIsRefusedHoweverItComes) {
  const std::string line = "X-" + std::string(60, 'a') + ": " + std::string(1000, 'b') + "\r\n";
  std::string fields;
  for (int i = 0; i < 17; ++i) fields += line;
  Echo once;
  EXPECT_TRUE(once.feed(get("/", fields)).starts_with("HTTP/1.1 431 "));
  Echo slowly;
  std::string answer = slowly.feed("GET / HTTP/1.1\r\nHost: h\r\n");
  for (int i = 0; i < 17 && !slowly.connection.closing(); ++i) answer += slowly.feed(line);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 431 "));
  Echo target;
  EXPECT_TRUE(target.feed(get("/" + std::string(17'000, 'x'))).starts_with("HTTP/1.1 431 "));
  Echo endless;
  endless.feed("GET /");
  for (int i = 0; i < 20 && !endless.connection.closing(); ++i) {
    answer = endless.feed(std::string(1000, 'x'));
  }
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 431 "));
}

TEST(HttpConnection, AnEndlessChunkHeaderIsRefused) {
  Echo echo;
  std::string answer = echo.feed(post("Transfer-Encoding: chunked\r\n", "1;"));
  for (int i = 0; i < 20 && !echo.connection.closing(); ++i) {
    answer += echo.feed(std::string(1000, 'x'));
  }
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
}

struct Bad {
  const char* why;
  std::string bytes;
  int status = 400;
};

TEST(HttpConnection, WhatTwoReadersCouldReadDifferentlyIsRefused) {
  const std::vector<Bad> cases = {
      {"no Host", "GET / HTTP/1.1\r\n\r\n"},
      {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {"two Hosts", get("/", "Host: h\r\n")},
      {"two lengths", post("Content-Length: 2\r\nContent-Length: 2\r\n", "hi")},
      {"a list of lengths", post("Content-Length: 2, 2\r\n", "hi")},
      {"a signed length", post("Content-Length: +2\r\n", "hi")},
      {"an empty length", post("Content-Length:\r\n", "")},
      {"a huge length", post("Content-Length: 99999999999999999999999\r\n", "")},
      {"length and coding", post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "")},
      {"coding and length", post("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "")},
      {"two codings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "")},
      {"another coding", post("Transfer-Encoding: gzip\r\n", ""), 501},
      {"a list of codings", post("Transfer-Encoding: gzip, chunked\r\n", ""), 501},
      {"old HTTP with coding", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"a folded line", get("/", "X: a\r\n b\r\n")},
      {"a line folded at once", get("/", "X:\r\n b\r\n")},
      {"space before the colon", get("/", "X : a\r\n")},
      {"no colon", get("/", "X\r\n")},
      {"an empty name", get("/", ": a\r\n")},
      {"a control byte", get("/", std::string("X: a\0b\r\n", 8))},
      {"bare line feeds", "GET / HTTP/1.1\nHost: h\n\n"},
      {"a bare line feed", get("/", "X: a\nY: b\r\n")},
      {"a bare carriage return", get("/", "X: a\rb\r\n")},
      {"a space in the target", get("/a b")},
      {"an authority as target", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"an asterisk as target", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"a relative target", get("a")},
      {"another version", "GET / HTTP/2.0\r\nHost: h\r\n\r\n"},
      {"no version", "GET /\r\nHost: h\r\n\r\n"},
      {"bytes in front", "\r\n" + get("/")},
      {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15)},
      {"two origins", get("/", "Origin: http://h\r\nOrigin: http://evil\r\n")},
      {"two sites", get("/", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Site: none\r\n")},
      {"a target without a host", get("http:///version")},
      {"another expectation", get("/", "Expect: tea\r\n"), 417},
      {"no chunk size", post("Transfer-Encoding: chunked\r\n", "x\r\nabc\r\n0\r\n\r\n")},
      {"a signed chunk", post("Transfer-Encoding: chunked\r\n", "-1\r\nabc\r\n0\r\n\r\n")},
      {"a chunk too long", post("Transfer-Encoding: chunked\r\n", "2\r\nabc\r\n0\r\n\r\n")},
      {"a huge chunk", post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n")},
      {"a folded trailer", post("Transfer-Encoding: chunked\r\n", "0\r\nX: a\r\n b\r\n\r\n")},
  };
  for (const Bad& bad : cases) {
    Echo echo;
    const std::string answer = echo.feed(bad.bytes);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(bad.status) + " "))
        << bad.why << ": " << answer;
    EXPECT_TRUE(has(answer, "Connection: close\r\n")) << bad.why;
    EXPECT_TRUE(echo.connection.closing()) << bad.why;
  }
}

TEST(HttpConnection, AnAbsoluteTargetNamesTheHost) {
  Echo echo;
  EXPECT_EQ(body_of(echo.feed(get("http://other:81/x?y"))), "GET /x?y ");
  EXPECT_EQ(body_of(echo.feed(get("HTTP://Other?y"))), "GET /?y ");
  EXPECT_EQ(body_of(echo.feed(get("http://other"))), "GET / ");
  EXPECT_EQ(echo.hosts, (std::vector<std::string>{"other:81", "Other", "other"}));
}

TEST(HttpConnection, NothingIsReadWhileAnAnswerIsOwed) {
  Echo echo;
  echo.later = true;
  EXPECT_EQ(echo.feed(get("/1") + get("/2")), "");
  EXPECT_TRUE(echo.connection.waiting());
  echo.later = false;
  echo.connection.answer(std::move(*echo.owed), kNow);
  EXPECT_FALSE(echo.connection.waiting());
  const std::string answers = echo.feed("");
  EXPECT_LT(answers.find("GET /1"), answers.find("GET /2"));
  EXPECT_TRUE(has(answers, "GET /2"));
}

TEST(HttpConnection, AFullOutHoldsUpTheNextRequest) {
  ConnectionOptions options;
  options.out_bytes_max = 300;
  Echo echo(options);
  const std::string first = echo.feed(get("/1") + get("/2") + get("/3") + get("/4"));
  EXPECT_TRUE(echo.connection.more());
  EXPECT_FALSE(has(first, "GET /4"));
  EXPECT_TRUE(has(echo.feed(""), "GET /4"));
  EXPECT_FALSE(echo.connection.more());
}

TEST(HttpConnection, PatienceRunsFromTheFirstByteThenFromTheLastAnswer) {
  Echo echo;
  const Connection& it = echo.connection;
  EXPECT_EQ(it.deadline(), kNow + echo.options.idle_timeout);
  echo.feed("G");
  EXPECT_EQ(it.deadline(), kNow + echo.options.request_timeout);
  echo.rest.erase(0, echo.connection.feed("GE", kNow + std::chrono::seconds(9)));
  EXPECT_EQ(it.deadline(), kNow + echo.options.request_timeout);
  echo.connection.expire(kNow);
  EXPECT_TRUE(echo.connection.out().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(it.closing());
}

TEST(HttpConnection, BetweenRequestsItClosesWithoutAWord) {
  Echo echo;
  echo.feed(get("/"));
  echo.connection.expire(kNow);
  EXPECT_EQ(echo.connection.out(), "");
  EXPECT_TRUE(echo.connection.closing());
}

TEST(HttpConnection, TheLastAnswerSaysThatItIs) {
  Echo echo;
  echo.later = true;
  echo.feed(get("/"));
  echo.connection.last_answer();
  EXPECT_FALSE(echo.connection.closing());
  echo.connection.answer(std::move(*echo.owed), kNow);
  EXPECT_TRUE(has(echo.connection.out(), "Connection: close\r\n"));
  EXPECT_TRUE(echo.connection.closing());
}

TEST(HttpWriter, NoContentHasNeitherBodyNorLength) {
  std::string out;
  Answer answer;
  answer.status = 204;
  answer.headers.emplace_back("X-A", "b");
  write(answer, {.request_id = "i", .now = kNow}, out);
  EXPECT_EQ(out,
            "HTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "X-Request-Id: i\r\nX-A: b\r\n\r\n");
}

TEST(HttpWriter, TheDateMovesWithTheSecond) {
  EXPECT_EQ(http_date(kNow), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(kNow + std::chrono::milliseconds(999)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(kNow + std::chrono::seconds(1)), "Sun, 06 Nov 1994 08:49:38 GMT");
}

}  // namespace
}  // namespace http

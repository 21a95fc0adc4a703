#include "proxy/heads.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "http/reader.h"
#include "proxy/body_reader.h"

namespace proxy {
namespace {

int status_of(std::string_view fields, std::string_view line = "GET / HTTP/1.1") {
  RequestHead head;
  const std::string text = std::string(line) + "\r\n" + std::string(fields) + "\r\n";
  const auto refusal = parse_request(text, head);
  return refusal ? refusal->status : 200;
}

TEST(Heads, TheTargetIsAPathWhateverItWas) {
  RequestHead head;
  const auto target = [&](std::string_view line) {
    const std::string text = std::string(line) + " HTTP/1.1\r\nHost: h:80\r\n\r\n";
    return parse_request(text, head) ? std::string("refused") : std::string(head.target);
  };
  EXPECT_EQ(target("GET /a?b"), "/a?b");
  EXPECT_EQ(target("GET http://H/a?b"), "/a?b");
  EXPECT_EQ(target("GET HTTP://h:80"), "/");
  EXPECT_EQ(target("GET http://h?b"), "/?b");
  for (const char* line :
       {"GET http://other/", "GET http://h:81/", "GET http://", "GET https://h/", "GET *", "GET a",
        "GET h:80", "GET //x#y", "GET http://u@h/", "GET  /", "GET /a b"}) {
    EXPECT_EQ(target(line), "refused") << line;
  }
}

TEST(Heads, WhatSaysTheLengthSaysItOnce) {
  EXPECT_EQ(status_of("Host: h\r\nContent-Length: 3\r\n"), 200);
  EXPECT_EQ(status_of("Host: h\r\nTransfer-Encoding: Chunked\r\n"), 200);
  for (const char* fields :
       {"Content-Length: 3\r\nContent-Length: 3\r\n", "Content-Length: 3, 3\r\n",
        "Content-Length: +3\r\n", "Content-Length: \r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: \r\n", "Transfer-Encoding: chunked,\r\n",
        "Transfer-Encoding: \x0b"
        "chunked\r\n",
        "Transfer-Encoding : chunked\r\n"}) {
    EXPECT_EQ(status_of(std::string("Host: h\r\n") + fields), 400) << fields;
  }
  EXPECT_EQ(status_of("Host: h\r\nTransfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(status_of("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0"), 400);
}

TEST(Heads, VersionsAndMethodsThatAreNotServed) {
  EXPECT_EQ(status_of("Host: h\r\n", "GET / HTTP/2.0"), 505);
  EXPECT_EQ(status_of("Host: h\r\n", "GET / HTTP/1.10"), 400);
  EXPECT_EQ(status_of("Host: h\r\n", "GET / http/1.1"), 400);
  EXPECT_EQ(status_of("Host: h\r\n", "GET /"), 400);
  EXPECT_EQ(status_of("Host: h\r\n", "TRACE / HTTP/1.1"), 501);
  EXPECT_EQ(status_of("Host: h\r\n", "CONNECT h:80 HTTP/1.1"), 501);
  EXPECT_EQ(status_of("", "GET / HTTP/1.0"), 200);
  EXPECT_EQ(status_of("Host:\r\n", "GET / HTTP/1.1"), 400);
  EXPECT_EQ(status_of("Host: a/b\r\n", "GET / HTTP/1.1"), 400);
  EXPECT_EQ(status_of("Host: h\r\nExpect: 200-ok\r\n"), 417);
}

TEST(Heads, AManagedNameIsKnownInAnySpelling) {
  EXPECT_EQ(kind_of("X-FORWARDED-FOR"), FieldKind::kForwardedFor);
  EXPECT_EQ(kind_of("x_forwarded_for"), FieldKind::kAlias);
  EXPECT_EQ(kind_of("X-Forwarded_Prefix"), FieldKind::kAlias);
  EXPECT_EQ(kind_of("X-Forwarded-Prefix"), FieldKind::kManaged);
  EXPECT_EQ(kind_of("content_length"), FieldKind::kAlias);
  EXPECT_EQ(kind_of("x-real-ip"), FieldKind::kManaged);
  EXPECT_EQ(kind_of("my_field"), FieldKind::kPlain);
  EXPECT_EQ(kind_of("x-forwarded-"), FieldKind::kPlain);
}

TEST(Heads, AnswersSayTheirLengthAsRequestsDo) {
  ResponseHead head;
  const auto kind = [&](std::string_view text, bool to_head = false) {
    return parse_response(text, to_head, head) ? static_cast<int>(head.framing.kind) : -1;
  };
  using Kind = Framing::Kind;
  EXPECT_EQ(kind("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"), int(Kind::kLength));
  EXPECT_EQ(kind("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true), int(Kind::kNone));
  EXPECT_EQ(kind("HTTP/1.1 304 \r\nContent-Length: 3\r\n\r\n"), int(Kind::kNone));
  EXPECT_EQ(kind("HTTP/1.0 200\r\n\r\n"), int(Kind::kToEnd));
  EXPECT_EQ(kind("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), int(Kind::kChunked));
  for (const char* text :
       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 99 OK\r\n\r\n", "HTTP/1.1 600 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 O\001K\r\n\r\n"}) {
    EXPECT_EQ(kind(text), -1) << text;
  }
}

// What a client sent, taken apart by these readers: "method target body", or nothing.
std::optional<std::string> ours(std::string_view bytes) {
  const size_t size = find_head_end(bytes, 0);
  RequestHead head;
  if (size == bytes.npos || parse_request(bytes.substr(0, size), head)) return std::nullopt;
  std::string out = std::string(head.method) + " " + std::string(head.target) + " ";
  BodyReader body;
  body.begin(head.framing);
  for (std::string_view rest = bytes.substr(size); !body.done();) {
    if (rest.empty() || body.broken()) return std::nullopt;
    const BodyReader::Piece piece = body.take(rest);
    out += piece.data;
    rest.remove_prefix(piece.used);
  }
  return out;
}

std::optional<std::string> the_other_readers(std::string_view bytes) {
  http::Reader reader({});
  for (int i = 0; i < 100; ++i) {
    const http::Reader::Found found = reader.step(bytes);
    bytes.remove_prefix(reader.consumed());
    if (found == http::Reader::Found::kRefused) return std::nullopt;
    if (found == http::Reader::Found::kRequest) {
      const http::Request request = reader.request();
      return std::string(request.method) + " " + std::string(request.target) + " " +
             std::string(request.body);
    }
    if (found == http::Reader::Found::kMore) return std::nullopt;
  }
  return std::nullopt;
}

// Trailers are dropped, whatever they say; the other reader wants to hear nothing of framing there.
bool trailers_speak_of_framing(std::string_view text) {
  const size_t last = text.rfind("0\r\n");
  return last != text.npos &&
         (text.find("Transfer-Encoding:", last) != text.npos ||
          text.find("Content-Length:", last) != text.npos || text.find("Host:", last) != text.npos);
}

// Two readers that share no line of code: whatever this one takes, the other one takes for the
// same. (It takes more: the gateway refuses what an upstream might misread.)
TEST(Heads, WhatIsTakenIsWhatAnotherReaderTakes) {
  const std::vector<std::string> seeds = {
      "POST /p?q HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
      "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;a=b\r\nde\r\n"
      "0\r\nT: v\r\n\r\n",
      "GET http://h/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n",
      "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"};
  const std::vector<std::string> pieces = {"\r\n",
                                           "\n",
                                           "\r",
                                           " ",
                                           "\t",
                                           ":",
                                           ",",
                                           ";",
                                           "0",
                                           "1",
                                           "00",
                                           "-",
                                           "+",
                                           "_",
                                           "x",
                                           "\0",
                                           "\x80",
                                           "#",
                                           "chunked",
                                           "Content-Length: 1\r\n",
                                           "Transfer-Encoding: chunked\r\n",
                                           "Host: h\r\n",
                                           "0\r\n\r\n",
                                           "GET",
                                           "HTTP/1.1"};
  base::Random random(20261122);
  int taken = 0;
  for (int i = 0; i < 60'000; ++i) {
    std::string text = seeds[random.below(seeds.size())];
    for (uint64_t changes = 1 + random.below(3); changes-- > 0;) {
      const size_t at = random.below(text.size());
      const std::string& piece = pieces[random.below(pieces.size())];
      switch (random.below(3)) {
        case 0:
          text.insert(at, piece);
          break;
        case 1:
          text.replace(at, std::min(piece.size(), text.size() - at), piece);
          break;
        default:
          text.erase(at, 1 + random.below(3));
      }
    }
    const std::optional<std::string> mine = ours(text);
    if (!mine) continue;
    ++taken;
    const std::optional<std::string> other = the_other_readers(text);
    if (!other && trailers_speak_of_framing(text)) continue;
    ASSERT_TRUE(other) << testing::PrintToString(text);
    ASSERT_EQ(*mine, *other) << testing::PrintToString(text);
  }
  EXPECT_GT(taken, 5'000);
}

TEST(Heads, EveryCutOfABodyGivesTheSame) {
  const std::string bytes = "3\r\nabc\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nT: v\r\nU:\r\n\r\n";
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    BodyReader body;
    body.begin({Framing::Kind::kChunked, 0});
    std::string out;
    for (std::string_view part :
         {std::string_view(bytes).substr(0, cut), std::string_view(bytes).substr(cut)}) {
      while (!part.empty()) {
        const BodyReader::Piece piece = body.take(part);
        out += piece.data;
        part.remove_prefix(piece.used);
      }
    }
    EXPECT_EQ(out, "abc0123456789") << cut;
    EXPECT_TRUE(body.done()) << cut;
  }
}

TEST(Heads, ChunksThatAreNone) {
  for (const std::string& text :
       {std::string("\r\n"), std::string("0x1\r\n"), std::string("g"), std::string("1 \r\n"),
        std::string("1\n"), std::string("1\rX"), std::string("1\r\nab"), std::string("-1"),
        std::string("11111111111111111"), std::string("1;a\n"), std::string("0\r\n T: v"),
        std::string("0\r\nT v"), std::string("0\r\nT: a\nb"),
        "1;" + std::string(BodyReader::kDroppedBytesMax, 'x'),
        "0\r\nT: " + std::string(BodyReader::kDroppedBytesMax, 'x')}) {
    BodyReader body;
    body.begin({Framing::Kind::kChunked, 0});
    std::string_view rest = text;
    while (!rest.empty() && !body.broken()) rest.remove_prefix(body.take(rest).used);
    EXPECT_TRUE(body.broken()) << text.substr(0, 40);
  }
}

TEST(Heads, HalfAHeadThatCanBecomeNoneIsToldAtOnce) {
  EXPECT_FALSE(hopeless("GET / HTTP/1.1\r\nHo"));
  EXPECT_FALSE(hopeless("GET / HTTP/1.1\r"));
  EXPECT_TRUE(hopeless("GET / HTTP/1.1\nHost"));
  EXPECT_TRUE(hopeless("GET / HTTP/1.1\rHost"));
  EXPECT_TRUE(hopeless("GET / HTTP/1.1\r\nX: a\r\n\rX"));
  EXPECT_TRUE(hopeless("\x16\x03\x01"));
}

}  // namespace
}  // namespace proxy

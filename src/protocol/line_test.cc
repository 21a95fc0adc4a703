#include "protocol/line.h"

#include <gtest/gtest.h>

#include "protocol/converse.h"

namespace protocol {
namespace {

constexpr Bounds kSmall{.line_bytes_max = 32, .words_max = 3};

std::string whole(std::string_view input, const Bounds& bounds = {}) {
  return converse(bounds, input, {input.size()});
}
std::string bytewise(std::string_view input, const Bounds& bounds = {}) {
  return converse(bounds, input, {1});
}

TEST(Line, EndsInLfOrCrlf) {
  EXPECT_EQ(whole("PING\nPING a\r\nPING"), "[4:PING,][4:PING,1:a,]");
  EXPECT_EQ(bytewise("PING\nPING a\r\nPING"), "[4:PING,][4:PING,1:a,]");
  EXPECT_EQ(whole("a\rb\r\r\n"), "[4:a\rb\r,]");
}

TEST(Line, WordsSplitAtRunsOfSpaces) {
  EXPECT_EQ(whole("  a   b \n"), "[1:a,1:b,]");
  EXPECT_EQ(whole("a\tb\n"), "[3:a\tb,]");
}

TEST(Line, AnEmptyLineIsARequestWithoutWords) { EXPECT_EQ(whole("\n\r\n   \n"), "[][][]"); }

TEST(Line, BinaryBytesAreOrdinary) {
  EXPECT_EQ(whole({"a\0\xff\x01 b\n", 7}), std::string("[4:a\0\xff\x01,1:b,]", 13));
}

TEST(Line, AQuotedWordIsAJsonString) {
  EXPECT_EQ(whole("ECHO \"two words\" \"\" x\n"), "[4:ECHO,9:two words,0:,1:x,]");
  EXPECT_EQ(whole(R"(ECHO "\"\\\/\b\f\n\r\t")"
                  "\n"),
            "[4:ECHO,8:\"\\/\b\f\n\r\t,]");
  EXPECT_EQ(whole(R"("\u0041\u00e9\u20AC\ud83d\ude00")"
                  "\n"),
            "[10:A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80,]");
  EXPECT_EQ(whole(R"("a\u0000b")"
                  "\n"),
            std::string("[3:a\0b,]", 8));
  EXPECT_EQ(whole("\"\xff\xc3\"\r\n"), "[2:\xff\xc3,]");
}

TEST(Line, SeveralWordsWithEscapesDoNotMoveEachOther) {
  EXPECT_EQ(whole(R"("\ta" b "\tc" "\u0064" "e")"
                  "\n"),
            "[2:\ta,1:b,2:\tc,1:d,1:e,]");
}

TEST(Line, TheScratchIsUsedAgainForEachLine) {
  const std::string input = "\"\\t" + std::string(100, 'x') + "\" \"\\n\"\n";
  Parser parser{Bounds{}};
  ASSERT_EQ(parser.step(input), Parsed::kRequest);
  const char* const scratch = parser.words()[0].data();
  for (int line = 0; line < 10; ++line) {
    ASSERT_EQ(parser.step(input), Parsed::kRequest);
    EXPECT_EQ(parser.words()[0].data(), scratch);
    EXPECT_EQ(parser.words()[1].data(), scratch + 101);
  }
}

TEST(Line, AQuoteInsideAWordIsOrdinary) {
  EXPECT_EQ(whole("a\"b {\"c\":1} \\n\n"), "[3:a\"b,7:{\"c\":1},2:\\n,]");
}

TEST(Line, ABadQuotedWordIsRefusedByItsPlace) {
  const auto refusal = [](std::string_view line) { return whole(std::string(line) + "\nPING\n"); };
  EXPECT_EQ(refusal("ECHO \"a\"b"), "(word 2: a space must follow the closing quote)[4:PING,]");
  EXPECT_EQ(refusal("ECHO \"a\"\""), "(word 2: a space must follow the closing quote)[4:PING,]");
  EXPECT_EQ(refusal("\"a"), "(word 1: the quote is never closed)[4:PING,]");
  EXPECT_EQ(refusal("\""), "(word 1: the quote is never closed)[4:PING,]");
  EXPECT_EQ(refusal("a \"b\\"), "(word 2: the quote is never closed)[4:PING,]");
  EXPECT_EQ(refusal("a \"b\\n"), "(word 2: the quote is never closed)[4:PING,]");
  EXPECT_EQ(refusal(R"(a b "\x")"), "(word 3: unknown escape in a quoted word)[4:PING,]");
  EXPECT_EQ(refusal("\"a\tb\""),
            "(word 1: a control byte in quotes must be written as \\u00XX)[4:PING,]");
  for (const char* bad : {R"("\u12")", R"("\u12g4")", R"("\u)", R"("\u-001")"}) {
    EXPECT_EQ(refusal(bad), "(word 1: \\u needs four hexadecimal digits)[4:PING,]") << bad;
  }
  for (const char* lone : {R"("\ud800")", R"("\ud800x\udc00")", R"("\ud800\ud800")"}) {
    EXPECT_EQ(refusal(lone), "(word 1: \\ud800 is half of a character)[4:PING,]") << lone;
  }
  EXPECT_EQ(refusal(R"("\udc00")"), "(word 1: \\udc00 is half of a character)[4:PING,]");
}

TEST(Line, ALineOverTheBoundIsRefusedAndPassedOver) {
  const std::string fits(32, 'x');
  const std::string word = "[32:" + fits + ",]";
  for (const std::string& input :
       {fits + "\n" + fits + "\r\n", fits + "x\n" + fits + "\n" + fits + "\r\n",
        std::string(1000, ' ') + "\n" + fits + "\n" + fits + "\n"}) {
    const std::string refused = input.size() > 70 ? "(line too long)" : "";
    EXPECT_EQ(whole(input, kSmall), refused + word + word);
    EXPECT_EQ(bytewise(input, kSmall), refused + word + word);
  }
}

TEST(Line, ALongLineIsNeverKept) {
  Parser parser{Bounds{}};
  const std::string piece(1 << 16, 'x');
  EXPECT_EQ(parser.step(piece), Parsed::kMore);
  EXPECT_EQ(parser.step(piece + "xx"), Parsed::kRefused);
  EXPECT_EQ(parser.refusal(), "line too long");
  EXPECT_EQ(parser.consumed(), piece.size() + 2);
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(parser.step(piece), Parsed::kMore);
    EXPECT_EQ(parser.consumed(), piece.size());
  }
  EXPECT_EQ(parser.step("x\nPING\n"), Parsed::kRequest);
  EXPECT_EQ(parser.words()[0], "PING");
}

TEST(Line, TooManyWordsAreRefused) {
  EXPECT_EQ(whole("a b c\na b c d\na\n", kSmall), "[1:a,1:b,1:c,](more than 3 words)[1:a,]");
}

TEST(Line, HttpEndsTheConnection) {
  for (const char* line : {"GET / HTTP/1.1", "POST /v1/check HTTP/1.1", "PUT /", "HEAD /x",
                           "DELETE /x", "OPTIONS /", "OPTIONS * HTTP/1.1", "PATCH /x", "TRACE /",
                           "CONNECT a:443 HTTP/1.1", "GET http://a/ HTTP/1.1", "REPORT /x HTTP/1.1",
                           "Host: localhost:7411", "host:x", "CONTENT-LENGTH: 5", "Origin: null"}) {
    const std::string input = "PING\n" + std::string(line) + "\r\nPING\n";
    EXPECT_EQ(whole(input), "[4:PING,]!unknown command!") << line;
    EXPECT_EQ(bytewise(input), "[4:PING,]!unknown command!") << line;
  }
  const std::string longer = "GET /" + std::string(100, 'x') + "\n";
  EXPECT_EQ(whole(longer, kSmall), "!unknown command!");
  EXPECT_EQ(bytewise(longer, kSmall), "!unknown command!");
}

TEST(Line, WhatOnlyResemblesHttpIsARequest) {
  EXPECT_EQ(whole("GET\nget /\nGETS /\nhostage\nENQUEUE q HTTP/1.1\n"),
            "[3:GET,][3:get,1:/,][4:GETS,1:/,][7:hostage,][7:ENQUEUE,1:q,8:HTTP/1.1,]");
}

}  // namespace
}  // namespace protocol

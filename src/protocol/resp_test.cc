#include "protocol/resp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/converse.h"

namespace protocol {
namespace {

constexpr Bounds kSmall{.line_bytes_max = 64, .body_bytes_max = 16, .words_max = 3};

std::string whole(std::string_view input, const Bounds& bounds = {}) {
  return converse(bounds, input, {input.size()});
}
std::string bytewise(std::string_view input, const Bounds& bounds = {}) {
  return converse(bounds, input, {1});
}

TEST(Resp, PipelinedRequestsComeOneByOne) {
  const std::string input = "*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n";
  EXPECT_EQ(whole(input), "[4:PING,][4:ECHO,2:hi,]");
  EXPECT_EQ(bytewise(input), whole(input));
}

TEST(Resp, ABulkStringMayHoldAnything) {
  const std::string body("\r\n$1\0\"\xff", 7);
  EXPECT_EQ(whole("*2\r\n$4\r\nECHO\r\n$7\r\n" + body + "\r\n"), "[4:ECHO,7:" + body + ",]");
  EXPECT_EQ(whole("*1\r\n$0\r\n\r\n"), "[0:,]");
}

TEST(Resp, EmptyAndMissingArraysArePassedOver) {
  const std::string input = "*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n*0\r\n";
  EXPECT_EQ(whole(input), "[4:PING,]");
  EXPECT_EQ(bytewise(input), "[4:PING,]");
}

TEST(Resp, OnlyArraysOfBulkStringsAreRequests) {
  EXPECT_EQ(whole("*1\r\n*1\r\n"), "!Protocol error: expected '$', got '*'!");
  EXPECT_EQ(whole("*1\r\n:1\r\n"), "!Protocol error: expected '$', got ':'!");
  EXPECT_EQ(whole("*1\r\n$4\r\nPING\r\nPING\r\n"),
            "[4:PING,]!Protocol error: expected '*', got 'P'!");
  EXPECT_EQ(whole("*1\r\n\x01"), "!Protocol error: expected '$', got '\\x01'!");
}

TEST(Resp, ALengthIsAPlainNumber) {
  for (const char* bad : {"*x\r\n", "*+1\r\n", "*\r\n", "*-\r\n", "*01\r\n", "*1 \r\n", "*1\n",
                          "*1\rx", "*1048577\r\n", "*99999999999", "*18446744073709551617\r\n"}) {
    EXPECT_EQ(whole(bad), "!Protocol error: invalid multibulk length!") << bad;
    EXPECT_EQ(bytewise(bad), whole(bad)) << bad;
  }
  for (const char* bad : {"$x\r\n", "$-1\r\n", "$\r\n", "$00\r\n", "$1\rx", "$536870913\r\n",
                          "$9223372036854775808\r\n"}) {
    const std::string input = std::string("*1\r\n") + bad;
    EXPECT_EQ(whole(input), "!Protocol error: invalid bulk length!") << bad;
    EXPECT_EQ(bytewise(input), whole(input)) << bad;
  }
}

TEST(Resp, ABulkStringEndsAtItsLength) {
  const std::string wrong = "!Protocol error: a bulk string does not end at its length!";
  EXPECT_EQ(whole("*1\r\n$3\r\nPING\r\n"), wrong);
  EXPECT_EQ(whole("*2\r\n$5\r\nPING\r\n$1\r\nx\r\n"), wrong);
}

TEST(Resp, ABodyOverTheBoundIsRefusedAndPassedOver) {
  const std::string input =
      "*3\r\n$1\r\na\r\n$17\r\n" + std::string(17, '*') + "\r\n$1\r\nb\r\n*1\r\n$4\r\nPING\r\n";
  const std::string answer = "(body of 17 bytes is over the bound of 16)[4:PING,]";
  EXPECT_EQ(whole(input, kSmall), answer);
  EXPECT_EQ(bytewise(input, kSmall), answer);
  const std::string fits = "*1\r\n$16\r\n" + std::string(16, 'x') + "\r\n";
  EXPECT_EQ(whole(fits, kSmall), "[16:" + std::string(16, 'x') + ",]");
}

TEST(Resp, ARefusedBodyIsNeverKept) {
  Parser parser{Bounds{}};
  ASSERT_EQ(parser.step("*2\r\n$1\r\na\r\n$2000000\r\nx"), Parsed::kRefused);
  EXPECT_EQ(parser.refusal(), "body of 2000000 bytes is over the bound of 1048576");
  const std::string kilobyte(1000, 'x');
  size_t rest = 2'000'000;
  for (; rest > 1000; rest -= 1000) {
    ASSERT_EQ(parser.step(kilobyte), Parsed::kMore);
    ASSERT_EQ(parser.consumed(), 1000u);
  }
  const std::string end = kilobyte + "\r\n*1\r\n$4\r\nPING\r\n";
  ASSERT_EQ(parser.step(end), Parsed::kRequest);
  EXPECT_EQ(parser.words()[0], "PING");
}

TEST(Resp, TooManyWordsAreRefusedAndPassedOver) {
  const std::vector<std::string> four(4, "w");
  const std::string input = as_resp(four) + "*1\r\n$4\r\nPING\r\n";
  EXPECT_EQ(whole(input, kSmall), "(more than 3 words)[4:PING,]");
  EXPECT_EQ(bytewise(input, kSmall), "(more than 3 words)[4:PING,]");
  EXPECT_EQ(whole("*1048576\r\n"), "(more than 1024 words)");
  EXPECT_EQ(whole("*4\r\n$1\r\nw\r\n*", kSmall),
            "(more than 3 words)!Protocol error: expected '$', got '*'!");
  EXPECT_EQ(whole("*4\r\n$x", kSmall), "(more than 3 words)!Protocol error: invalid bulk length!");
}

TEST(Resp, WordsThatAreTooMuchTogetherAreRefused) {
  constexpr Bounds kBounds{.line_bytes_max = 64, .body_bytes_max = 64, .words_max = 3};
  const std::vector<std::string> words(3, std::string(60, 'x'));
  const std::string input = as_resp(words) + "*1\r\n$4\r\nPING\r\n";
  const std::string answer = "(request of at least 138 bytes is over the bound of 128)[4:PING,]";
  EXPECT_EQ(whole(input, kBounds), answer);
  EXPECT_EQ(bytewise(input, kBounds), answer);
}

TEST(Resp, ARequestMayBeAsLargeAsItsBound) {
  constexpr Bounds kBounds{.line_bytes_max = 64, .body_bytes_max = 64, .words_max = 3};
  const auto words = [](size_t last) {
    return std::vector<std::string>{std::string(60, 'x'), std::string(last, 'y')};
  };
  ASSERT_EQ(as_resp(words(50)).size(), 128u);
  EXPECT_EQ(whole(as_resp(words(50)), kBounds), "[" + shown(words(50)) + "]");
  EXPECT_EQ(whole(as_resp(words(51)), kBounds),
            "(request of at least 129 bytes is over the bound of 128)");
}

TEST(Resp, AHalfRequestIsNothing) {
  EXPECT_EQ(whole("*2\r\n$4\r\nECHO\r\n$5\r\nhel"), "");
  EXPECT_EQ(whole("*2\r"), "");
  EXPECT_EQ(whole("*2\r\n$"), "");
}

TEST(Resp, BytesMayMoveBetweenSteps) {
  Parser parser{Bounds{}};
  auto first = std::make_unique<std::string>("*2\r\n$4\r\nECHO\r\n$2");
  ASSERT_EQ(parser.step(*first), Parsed::kMore);
  const std::string second = *first + "\r\nhi\r\n";
  first.reset();
  ASSERT_EQ(parser.step(second), Parsed::kRequest);
  EXPECT_EQ(shown(parser.words()), "4:ECHO,2:hi,");
  EXPECT_EQ(parser.consumed(), second.size());
}

// A step on a growing body looks at its header only: a million steps over a mebibyte are quick. If
// each looked at the whole body they would read a tebibyte.
TEST(Resp, ABodyInSmallPiecesIsReadOnce) {
  const std::string body(1024 * 1024, 'x');
  const std::string input = "*2\r\n$4\r\nECHO\r\n$1048576\r\n" + body + "\r\n";
  Parser parser{Bounds{}};
  for (size_t size = 0; size < input.size(); ++size) {
    ASSERT_EQ(parser.step(std::string_view(input).substr(0, size)), Parsed::kMore);
  }
  ASSERT_EQ(parser.step(input), Parsed::kRequest);
  EXPECT_EQ(parser.words()[1], body);
}

}  // namespace
}  // namespace protocol

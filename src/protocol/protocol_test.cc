// The door: which protocol a connection speaks, and what parser and writer promise together.
#include "protocol/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "protocol/converse.h"

namespace protocol {
namespace {

using testing::ElementsAre;

TEST(Parser, TheFirstByteTellsTheProtocol) {
  Parser line{Bounds{}};
  EXPECT_EQ(line.step(""), Parsed::kMore);
  EXPECT_EQ(line.step("PING\n"), Parsed::kRequest);
  EXPECT_FALSE(line.resp());
  EXPECT_EQ(line.step("*1\n"), Parsed::kRequest);  // A line all the same.
  EXPECT_THAT(line.words(), ElementsAre("*1"));

  Parser resp{Bounds{}};
  EXPECT_EQ(resp.step("*"), Parsed::kMore);
  EXPECT_TRUE(resp.resp());
}

TEST(Parser, ATlsHandshakeIsTheEnd) {
  Parser parser{Bounds{}};
  EXPECT_EQ(parser.step("\x16\x03\x01\nPING\nSHUTDOWN\n"), Parsed::kBroken);
  EXPECT_EQ(parser.refusal(), "unknown command");
  EXPECT_EQ(parser.step("PING\n"), Parsed::kBroken);
}

TEST(Parser, ABrokenStreamStaysBroken) {
  Parser parser{Bounds{}};
  EXPECT_EQ(parser.step("*x\r\n"), Parsed::kBroken);
  EXPECT_EQ(parser.step("*1\r\n$4\r\nPING\r\n"), Parsed::kBroken);
  EXPECT_EQ(parser.refusal(), "Protocol error: invalid multibulk length");
}

TEST(Parser, WordsPointIntoTheFedBytes) {
  const std::string input = "ECHO hello\n";
  Parser parser{Bounds{}};
  ASSERT_EQ(parser.step(input), Parsed::kRequest);
  EXPECT_EQ(parser.words()[1].data(), input.data() + 5);
}

// Any words, as any client may send them, cut anywhere, come out as they went in.
RC_GTEST_PROP(Parser, RespBringsAnyWordsThrough, ()) {
  const auto words = *rc::gen::nonEmpty<std::vector<std::string>>();
  const std::string once = as_resp(words);
  const auto cut = *rc::gen::inRange<size_t>(1, once.size() + 1);
  const std::string transcript = "[" + shown(words) + "]";
  RC_ASSERT(converse(Bounds{}, once + once, {cut}) == transcript + transcript);
}

RC_GTEST_PROP(Parser, LinesBringAnyWordsThrough, ()) {
  const auto words = *rc::gen::container<std::vector<std::string>>(rc::gen::string<std::string>());
  std::string line = "ECHO";
  for (const std::string& word : words) {
    std::string spelt;
    Writer(Wire::kLine, spelt).text(word);
    line += " " + spelt.substr(0, spelt.size() - 1);
  }
  const auto cut = *rc::gen::inRange<size_t>(1, line.size() + 1);
  auto expected = words;
  expected.insert(expected.begin(), "ECHO");
  RC_ASSERT(converse(Bounds{}, line + "\n", {cut}) == "[" + shown(expected) + "]");
}

// What is found does not depend on how the bytes were cut.
RC_GTEST_PROP(Parser, CutsChangeNothing, ()) {
  const auto piece = rc::gen::element<std::string>(
      "*2\r\n", "*0\r\n", "*9\r\n", "$3\r\nabc\r\n", "$0\r\n\r\n", "$99\r\n", "*1\r\n$200\r\n",
      std::string(202, 'x'), "x y\r\n", "\"a\\u00e9\" ", "\"", "\\", "\r", "\n", " ", "GET /",
      std::string(40, 'y'));
  const auto pieces = *rc::gen::container<std::vector<std::string>>(piece);
  const auto cuts =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 30)));
  std::string input;
  for (const std::string& p : pieces) input += p;
  const Bounds bounds{.line_bytes_max = 32, .body_bytes_max = 64, .words_max = 4};
  RC_ASSERT(converse(bounds, input, cuts) == converse(bounds, input, {input.size() + 1}));
}

}  // namespace
}  // namespace protocol

#include "gateway/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <boost/json.hpp>

#include "protocol/json_text.h"

namespace gateway {
namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json(text, out);
  return out;
}

TEST(Text, JsonStringsAreEscaped) {
  EXPECT_EQ(json("a\"b\\c\n\x01"), R"("a\"b\\c\n\u0001")");
  EXPECT_EQ(json("\xff"), "\"%FF\"");
}

RC_GTEST_PROP(Text, AnotherReaderOfJsonReadsTheSame, (const std::string& text)) {
  boost::system::error_code error;
  const boost::json::value read = boost::json::parse(json(text), error);
  RC_ASSERT(!error);
  if (protocol::valid_utf8(text)) RC_ASSERT(std::string(read.as_string()) == text);
}

TEST(Text, HexadecimalDigitsInEitherCase) {
  EXPECT_EQ(hex_byte("41"), 'A');
  EXPECT_EQ(hex_byte("fF"), '\xff');
  EXPECT_FALSE(hex_byte("4"));
  EXPECT_FALSE(hex_byte("4g"));
}

}  // namespace
}  // namespace gateway

#include "gateway/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <boost/json.hpp>

namespace gateway {
namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json(text, out);
  return out;
}

TEST(Text, Utf8IsToldFromWhatLooksLikeIt) {
  for (const char* good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(valid_utf8(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xe2\x82"}) {
    EXPECT_FALSE(valid_utf8(bad)) << bad;
  }
}

TEST(Text, JsonStringsAreEscaped) {
  EXPECT_EQ(json("a\"b\\c\n\x01"), R"("a\"b\\c\u000a\u0001")");
  EXPECT_EQ(json("\xff"), "\"%FF\"");
}

RC_GTEST_PROP(Text, AnotherReaderOfJsonReadsTheSame, (const std::string& text)) {
  boost::system::error_code error;
  const boost::json::value read = boost::json::parse(json(text), error);
  RC_ASSERT(!error);
  if (valid_utf8(text)) RC_ASSERT(std::string(read.as_string()) == text);
}

TEST(Text, HexadecimalDigitsInEitherCase) {
  EXPECT_EQ(hex_byte("41"), 'A');
  EXPECT_EQ(hex_byte("fF"), '\xff');
  EXPECT_FALSE(hex_byte("4"));
  EXPECT_FALSE(hex_byte("4g"));
}

}  // namespace
}  // namespace gateway

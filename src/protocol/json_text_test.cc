#include "protocol/json_text.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace protocol {
namespace {

std::string in_quotes(std::string_view bytes, BadUtf8 bad = BadUtf8::kReplace) {
  std::string out;
  append_quoted(out, bytes, bad);
  return out;
}

// The table of RFC 3629, section 4, at its edges.
TEST(JsonText, Utf8IsWhatItsRfcSays) {
  for (const char* good : {"", "plain ascii over eight bytes", "\x7f", "\xc2\x80", "\xdf\xbf",
                           "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "12345678\xc3\xa9"}) {
    EXPECT_TRUE(valid_utf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3",
                          "\xe2\x82", "\xe2\x82z", "\xf0\x9f\x98", "\xff", "12345678\xc3"}) {
    EXPECT_FALSE(valid_utf8(bad)) << bad;
  }
}

TEST(JsonText, EscapesWhatJsonMustEscape) {
  EXPECT_EQ(in_quotes({"a\"\\\b\f\n\r\t\0\x1f\x7f/", 12}),
            "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f/\"");
  EXPECT_EQ(in_quotes("\xc3\xa9"), "\"\xc3\xa9\"");
}

TEST(JsonText, BadUtf8IsReplacedOrKept) {
  EXPECT_EQ(in_quotes("a\xff\xc3z"), "\"a\xef\xbf\xbd\xef\xbf\xbdz\"");
  EXPECT_EQ(in_quotes("a\xff\xc3z", BadUtf8::kKeep), "\"a\xff\xc3z\"");
}

RC_GTEST_PROP(JsonText, UnquoteUndoesQuote, (const std::string& bytes)) {
  std::string scratch;
  const std::string line = "x " + in_quotes(bytes, BadUtf8::kKeep) + " y";
  const base::Result<Unquoted> word = unquote(line, 2, scratch);
  RC_ASSERT(word.has_value());
  RC_ASSERT(word->text == bytes);
  RC_ASSERT(word->end == line.size() - 2);
}

RC_GTEST_PROP(JsonText, WhatIsReplacedIsUtf8, (const std::string& bytes)) {
  RC_ASSERT(valid_utf8(in_quotes(bytes)));
}

}  // namespace
}  // namespace protocol

#include "io/log_line.h"

#include <gtest/gtest.h>

namespace io {
namespace {

// 2026-11-21T19:12:00.123Z
constexpr base::Time kAt = base::time_from(1'795'288'320'123'456'789);

std::string text_of(std::string_view value) {
  return log_line(LogFormat::kText, kAt, Level::kInfo, "x", {{"k", std::string(value)}});
}

TEST(LogLine, TextIsTimeLevelEventAndFields) {
  EXPECT_EQ(log_line(LogFormat::kText, kAt, Level::kInfo, "listening",
                     {{"listener", "tcp"}, {"address", "127.0.0.1:7411"}}),
            "2026-11-21T19:12:00.123Z info  listening listener=tcp address=127.0.0.1:7411\n");
}

TEST(LogLine, LevelsAreOfOneWidth) {
  EXPECT_EQ(log_line(LogFormat::kText, kAt, Level::kWarning, "x", {}),
            "2026-11-21T19:12:00.123Z warn  x\n");
  EXPECT_EQ(log_line(LogFormat::kText, kAt, Level::kError, "x", {}),
            "2026-11-21T19:12:00.123Z error x\n");
}

TEST(LogLine, AValueIsQuotedWhereItNeedsTo) {
  EXPECT_TRUE(text_of("plain/1.2:3").ends_with(" k=plain/1.2:3\n"));
  EXPECT_TRUE(text_of("").ends_with(" k=\"\"\n"));
  EXPECT_TRUE(text_of("two words").ends_with(" k=\"two words\"\n"));
  EXPECT_TRUE(text_of("a=b").ends_with(" k=\"a=b\"\n"));
  EXPECT_TRUE(text_of("a\"b\\c").ends_with(" k=\"a\\\"b\\\\c\"\n"));
}

TEST(LogLine, AValueCannotForgeALine) {
  EXPECT_TRUE(text_of("a\nb\r\x01\x7f").ends_with(" k=\"a\\nb\\r\\u0001\\u007f\"\n"));
}

TEST(LogLine, JsonIsOneObjectALine) {
  EXPECT_EQ(log_line(LogFormat::kJson, kAt, Level::kError, "reload failed", {{"error", "a\tb"}}),
            "{\"time\":\"2026-11-21T19:12:00.123Z\",\"level\":\"error\",\"event\":\"reload "
            "failed\",\"error\":\"a\\tb\"}\n");
}

TEST(LogLine, BytesThatAreNoTextAreReplaced) {
  const std::string replaced = "\xef\xbf\xbd";
  EXPECT_TRUE(text_of("gr\xc3\xbc\xc3\x9f").ends_with(" k=\"gr\xc3\xbc\xc3\x9f\"\n"));
  EXPECT_TRUE(text_of("a\xff").ends_with(" k=\"a" + replaced + "\"\n"));
  EXPECT_TRUE(text_of("\xc0\xaf").ends_with(" k=\"" + replaced + replaced + "\"\n"));
  EXPECT_TRUE(text_of("\xed\xa0\x80").ends_with(" k=\"" + replaced + replaced + replaced + "\"\n"));
}

}  // namespace
}  // namespace io

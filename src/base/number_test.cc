#include "base/number.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Number, OnlyPlainDecimalsAreIntegers) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("-7"), -7);
  EXPECT_EQ(parse_integer("9223372036854775807"), INT64_MAX);
  for (const char* bad : {"", "-", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808", "1e3"})
    EXPECT_FALSE(parse_integer(bad)) << bad;
}

}  // namespace
}  // namespace base

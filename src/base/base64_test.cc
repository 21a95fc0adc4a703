#include "base/base64.h"

#include <gtest/gtest.h>

namespace base {
namespace {

std::string base64(std::string_view bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

// RFC 4648, section 10.
TEST(Base64, SpellsTheVectorsOfItsRfc) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

TEST(Base64, ReadsBackWhatItSpelt) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(from_base64(base64(bytes)), bytes);
    bytes += static_cast<char>(i * 7);
  }
}

TEST(Base64, RefusesWhatNobodySpellsSo) {
  for (const char* wrong : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm9v=", "====", "=g==", "Zg==Zg==",
                            "Zm 9", "Zm9-", "Zm9v\n"}) {
    EXPECT_EQ(from_base64(wrong), std::nullopt) << wrong;
  }
}

TEST(Base64, TakesEveryByte) { EXPECT_EQ(base64({"\xff\xfe\x00\x80", 4}), "//4AgA=="); }

}  // namespace
}  // namespace base

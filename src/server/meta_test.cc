#include "server/meta.h"

#include <gtest/gtest.h>

#include "server/test_bed.h"

namespace server {
namespace {

TEST(Meta, ReadsBackWhatWasWritten) {
  const Meta meta{.shards = 8, .seed = 0xfedcba9876543210};
  const auto back = read_meta(write_meta(meta));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, meta);
}

TEST(Meta, ANewerFormatIsRefusedInWords) {
  std::string text = write_meta({});
  text.replace(text.find("data 1"), 6, "data 7");
  const auto back = read_meta(text);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().what, "written by a newer version: its format is 7, this program knows 1");
}

TEST(Meta, EveryCutAndEveryFlippedBitIsNoticed) {
  const std::string text = write_meta({.shards = 3, .seed = 12345});
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(read_meta(text.substr(0, i))) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = text;
      other[i] = static_cast<char>(other[i] ^ (1 << bit));
      EXPECT_FALSE(read_meta(other)) << i << ' ' << bit;
    }
  }
}

}  // namespace
}  // namespace server

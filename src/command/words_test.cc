#include "command/words.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <vector>

namespace command {
namespace {

// Refuses: what is kept here would have been allocated.
class Nowhere : public std::pmr::memory_resource {
  void* do_allocate(size_t, size_t) override { throw std::bad_alloc(); }
  void do_deallocate(void*, size_t, size_t) override {}
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

struct Kept {
  std::array<std::byte, 512> room;
  Nowhere nowhere;
  std::pmr::monotonic_buffer_resource keep{room.data(), room.size(), &nowhere};
};

TEST(Words, ADescriptorIsAnOrderedListOfEntriesThatPointIntoTheWord) {
  Kept kept;
  const std::string word = "tenant=acme,path=/x?q=1,empty=";
  const auto descriptor = parse_descriptor(word, kept.keep);
  ASSERT_TRUE(descriptor);
  ASSERT_EQ(descriptor->size(), 3u);
  EXPECT_EQ((*descriptor)[0].key, "tenant");
  EXPECT_EQ((*descriptor)[0].value, "acme");
  EXPECT_EQ((*descriptor)[1].value, "/x?q=1");
  EXPECT_EQ((*descriptor)[2].value, "");
  EXPECT_EQ((*descriptor)[0].key.data(), word.data());
}

TEST(Words, PercentSpellsAnyByteInKeysAndValues) {
  Kept kept;
  const auto descriptor = parse_descriptor("a%3db=%2c%25%20%00%fF", kept.keep);
  ASSERT_TRUE(descriptor);
  EXPECT_EQ((*descriptor)[0].key, "a=b");
  EXPECT_EQ((*descriptor)[0].value, std::string_view(",% \0\xff", 5));
}

TEST(Words, ABadDescriptorIsQuotedInItsError) {
  for (const std::string_view word :
       {"", "a", "=v", "a=1,", ",a=1", "a=%", "a=%1", "a=%zz", "a=1,=2"}) {
    Kept kept;
    const auto descriptor = parse_descriptor(word, kept.keep);
    ASSERT_FALSE(descriptor) << word;
    EXPECT_NE(descriptor.error().what.find("'" + std::string(word) + "'"), std::string::npos);
    EXPECT_EQ(descriptor.error().field, "descriptor");
  }
}

RC_GTEST_PROP(Words, WhatIsEncodedDecodesToItself, ()) {
  const auto pairs =
      *rc::gen::resize(16, rc::gen::nonEmpty<std::vector<std::pair<std::string, std::string>>>());
  RC_PRE(pairs.size() <= limiter::kEntriesMax);
  const auto encode = [](std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == ',' || c == '=' || c == '%' || byte <= ' ') {
        out += {'%', kHex[byte >> 4], kHex[byte & 15]};
      } else {
        out += c;
      }
    }
    return out;
  };
  std::string word;
  for (const auto& [key, value] : pairs) {
    RC_PRE(!key.empty());
    if (!word.empty()) word += ',';
    word += encode(key) + "=" + encode(value);
  }
  std::pmr::monotonic_buffer_resource keep;
  const auto descriptor = parse_descriptor(word, keep);
  RC_ASSERT(descriptor.has_value());
  RC_ASSERT(descriptor->size() == pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    RC_ASSERT((*descriptor)[i].key == pairs[i].first);
    RC_ASSERT((*descriptor)[i].value == pairs[i].second);
  }
}

std::vector<std::string_view> request(size_t descriptors) {
  std::vector<std::string_view> words = {"CHECK", "api"};
  words.resize(words.size() + descriptors, "a=1");
  return words;
}

TEST(Words, AnAskHasAtMost32Descriptors) {
  std::pmr::monotonic_buffer_resource keep;
  const auto most = parse_ask(request(32), {}, keep);
  ASSERT_TRUE(most);
  EXPECT_EQ(most->descriptors.size(), 32u);
  for (const size_t n : {33u, 300u}) {
    const auto more = parse_ask(request(n), {}, keep);
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().what, "at most 32 descriptors");
  }
}

TEST(Words, OptionsMayStandBeforeBehindAndBetweenDescriptors) {
  std::pmr::monotonic_buffer_resource keep;
  const std::vector<std::string_view> words = {"CHECK", "api", "a=1", "cost", "7", "b=2", "DryRun"};
  const auto ask = parse_ask(words, {.options = kCost | kDryRun}, keep);
  ASSERT_TRUE(ask);
  EXPECT_EQ(ask->descriptors.size(), 2u);
  EXPECT_EQ(ask->ask().cost, 7);
  EXPECT_TRUE(ask->ask().dry_run);
  EXPECT_EQ(ask->ask().domain, "api");
}

TEST(Words, AnOptionThatTheVerbDoesNotTakeIsUnknown) {
  std::pmr::monotonic_buffer_resource keep;
  const std::vector<std::string_view> words = {"WHY", "api", "a=1", "COST", "7"};
  const auto ask = parse_ask(words, {}, keep);
  ASSERT_FALSE(ask);
  EXPECT_EQ(ask.error().what, "unknown option 'COST'");
}

TEST(Words, ANumberOutOfItsBoundsIsRefusedWithThem) {
  for (const std::string_view word :
       {"", "+1", "1x", "0x1", " 1", "1 ", "99999999999999999999", "11", "-1"}) {
    const auto number = parse_number("COUNT", word, {0, 10});
    ASSERT_FALSE(number) << word;
    EXPECT_EQ(number.error().what, "COUNT must be an integer between 0 and 10");
    EXPECT_EQ(number.error().field, "COUNT");
  }
  EXPECT_EQ(parse_number("COUNT", "10", {0, 10}).value(), 10);
}

TEST(Words, AShownWordIsCutOnAWholeCharacter) {
  EXPECT_EQ(shown(std::string(64, 'a')), std::string(64, 'a'));
  EXPECT_EQ(shown(std::string(65, 'a')), std::string(64, 'a') + "…");
  EXPECT_EQ(shown(std::string(63, 'a') + "éé"), std::string(63, 'a') + "…");
}

}  // namespace
}  // namespace command

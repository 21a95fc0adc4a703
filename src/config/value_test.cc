#include "config/value.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace config {
namespace {

std::string address(std::string_view text) {
  const auto value = parse_address(text);
  return value ? print_address(*value) : "error: " + value.error().what;
}

TEST(Address, IsHostAndPortOrOff) {
  for (const char* text : {"127.0.0.1:7411", "[::1]:0", "localhost:65535", "off", "0.0.0.0:1"}) {
    EXPECT_EQ(address(text), text);
  }
  EXPECT_TRUE(parse_address("off")->off());
}

TEST(Address, OtherTextIsRefused) {
  for (const char* text : {"", "7411", ":7411", "127.0.0.1", "::1:5", "[::1]", "[::1", "[x]:5",
                           "[127.0.0.1]:5", "a b:5", "a:b:5", "OFF"}) {
    EXPECT_TRUE(address(text).starts_with("error: ")) << text << ' ' << address(text);
  }
  for (const char* port : {"", "-1", "+1", "65536", "99999999999999999999", "1 "}) {
    EXPECT_EQ(address("localhost:" + std::string(port)),
              "error: port '" + std::string(port) + "' must be an integer between 0 and 65535");
  }
}

TEST(Address, LoopbackIsThisMachineAlone) {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) {
    EXPECT_TRUE(is_loopback(host)) << host;
  }
  for (const char* host : {"0.0.0.0", "10.0.0.1", "::", "127.example.com", "example.com"}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

TEST(Host, IsANameWithoutAPort) {
  EXPECT_EQ(*parse_host("api.example.com"), "api.example.com");
  for (const char* text : {"", "a b", "a:80", "http://a", "*"}) {
    EXPECT_FALSE(parse_host(text)) << text;
  }
}

TEST(Network, IsAddressAndPrefix) {
  for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "192.168.1.1/32", "fd00::/8", "::/0"}) {
    EXPECT_TRUE(parse_network(text)) << text;
  }
  for (const char* text : {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0/8", "::/129", "x/8",
                           "10.0.0.0/-1", "10.0.0.0/8 "}) {
    EXPECT_FALSE(parse_network(text)) << text;
  }
}

TEST(Size, TakesBinaryUnits) {
  EXPECT_EQ(*parse_size("64KiB"), 65'536);
  EXPECT_EQ(*parse_size("3GiB"), 3LL << 30);
  EXPECT_EQ(*parse_size("100"), 100);
  for (const char* text : {"", "KiB", "1KB", "1k", "-1", "1.5MiB", "9223372036854775807KiB"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Span, NeedsAUnit) {
  EXPECT_EQ(*parse_span("10ms"), std::chrono::milliseconds(10));
  EXPECT_EQ(*parse_span("7d"), std::chrono::hours(168));
  for (const char* text : {"", "10", "1w", "-1s", "1.5s", "10 s", "200000d", "s"}) {
    EXPECT_FALSE(parse_span(text)) << text;
  }
}

RC_GTEST_PROP(Size, PrintedAndParsedIsTheSame, ()) {
  const int64_t value = *rc::gen::nonNegative<int64_t>();
  RC_ASSERT(*parse_size(print_size(value)) == value);
}

RC_GTEST_PROP(Span, PrintedAndParsedIsTheSame, ()) {
  const auto value = std::chrono::milliseconds(*rc::gen::inRange<int64_t>(0, 9'000'000'000'000));
  RC_ASSERT(*parse_span(print_span(value)) == value);
}

TEST(Word, ErrorListsTheWordsAndTheNearest) {
  constexpr std::array<std::string_view, 3> kWords{"local", "refuse", "allow"};
  EXPECT_EQ(unknown_word("alow", kWords).what,
            "must be local, refuse or allow, not 'alow' (allow?)");
}

}  // namespace
}  // namespace config

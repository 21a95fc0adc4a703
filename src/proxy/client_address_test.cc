#include "proxy/client_address.h"

#include <gtest/gtest.h>

#include "proxy/forwarded.h"

namespace proxy {
namespace {

std::string client(std::string_view peer, std::vector<std::string> lines,
                   std::vector<std::string> trusted = {"10.0.0.0/8", "fd00::/8"}) {
  Head head;
  head.peer = *io::Ip::parse(peer);
  for (const std::string& line : lines) head.fields.push_back({"x-forwarded-FOR", line});
  head.fields.push_back({"X-Other", "9.9.9.9"});
  return client_of(head, *io::Networks::parse(trusted)).text();
}

TEST(ClientAddress, AnUntrustedPeerIsTheClientWhateverItSays) {
  EXPECT_EQ(client("192.0.2.1", {"1.1.1.1"}), "192.0.2.1");
  EXPECT_EQ(client("10.0.0.1", {"1.1.1.1"}, {}), "10.0.0.1");
}

TEST(ClientAddress, LinesAreOneListReadFromTheRight) {
  EXPECT_EQ(client("10.0.0.1", {"6.6.6.6, 1.1.1.1", "10.0.0.3,10.0.0.2"}), "1.1.1.1");
  EXPECT_EQ(client("10.0.0.1", {"6.6.6.6", "1.1.1.1"}), "1.1.1.1");
  EXPECT_EQ(client("10.0.0.1", {"10.0.0.4", "10.0.0.3"}), "10.0.0.4");
  EXPECT_EQ(client("10.0.0.1", {}), "10.0.0.1");
}

TEST(ClientAddress, WhatIsNoAddressEndsTheWalkAtTheLastGoodOne) {
  for (const char* bad :
       {"", "not real", "unknown", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4:", "1.2.3.4:x",
        "[::1", "[1.2.3.4]", "[::1]x", "[::1]:", "::g", "1.2.3.4%a", "\"1.2.3.4\""}) {
    EXPECT_EQ(client("10.0.0.1", {std::string("6.6.6.6, ") + bad + ", 10.0.0.2"}), "10.0.0.2")
        << bad;
  }
}

TEST(ClientAddress, PortsBracketsZonesAndMappedAddressesAreTakenOff) {
  EXPECT_EQ(client("10.0.0.1", {"1.2.3.4:56"}), "1.2.3.4");
  EXPECT_EQ(client("10.0.0.1", {"[2001:db8::1]:443"}), "2001:db8::1");
  EXPECT_EQ(client("10.0.0.1", {"[2001:db8::1]"}), "2001:db8::1");
  EXPECT_EQ(client("10.0.0.1", {"fe80::1%eth0"}), "fe80::1");
  EXPECT_EQ(client("::ffff:10.0.0.1", {"::ffff:1.2.3.4"}), "1.2.3.4");
  EXPECT_EQ(client("fd00::1", {"2001:db8::2, fd00::2"}), "2001:db8::2");
}

TEST(ClientAddress, AnOwnerOfANetworkIsOneClient) {
  const auto key = [](std::string_view ip, unsigned prefix) {
    return client_key(*io::Ip::parse(ip), prefix);
  };
  EXPECT_EQ(key("192.0.2.1", 64), "192.0.2.1");
  EXPECT_EQ(key("2001:db8:0:1:2::3", 64), "2001:db8:0:1::/64");
  EXPECT_EQ(key("2001:db8:0:1ff:2::3", 56), "2001:db8:0:100::/56");
  EXPECT_EQ(key("2001:db8::3", 128), "2001:db8::3");
  EXPECT_EQ(key("::1", 64), "::1");
}

TEST(Forwarded, AnElementIsReadToItsLastByteOrNotAtAll) {
  const auto parsed = parse_forwarded("for=1.2.3.4;proto=https , For=\"[::1]:443\";host=\"h:80\"");
  ASSERT_TRUE(parsed && parsed->size() == 2);
  EXPECT_EQ((*parsed)[0].client, "1.2.3.4");
  EXPECT_EQ((*parsed)[0].proto, "https");
  EXPECT_EQ((*parsed)[1].client, "[::1]");
  EXPECT_EQ((*parsed)[1].host, "h:80");
  for (const char* bad :
       {"", "for", "for=", "for=\"\"", "for=a", "for=[::1]", "for=\"::1\"",
        "for=1.2.3.4;for=1.2.3.4", "for=1.2.3.4 x", "for=\"1.2.3.4", "x=y", "proto=1http",
        "host=a/b", "for=_", "for=\"_a:_\"", "for=\"\\1.2.3.4\""}) {
    EXPECT_FALSE(parse_forwarded(bad)) << bad;
  }
}

TEST(Forwarded, OursIsReadableAgain) {
  for (const char* peer : {"10.0.0.1", "2001:db8::1"}) {
    std::string out;
    append_forwarded(out, *io::Ip::parse(peer), "example.com:81");
    const auto parsed = parse_forwarded(out);
    ASSERT_TRUE(parsed && parsed->size() == 1) << out;
    EXPECT_EQ(parsed->front().host, "example.com:81");
    EXPECT_EQ(parsed->front().proto, "http");
  }
}

}  // namespace
}  // namespace proxy

#include "io/ip.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "io/network.h"

namespace io {
namespace {

TEST(Ip, BothFamiliesAreReadAndWritten) {
  for (const char* text : {"127.0.0.1", "0.0.0.0", "255.255.255.255", "::1", "2001:db8::7"}) {
    ASSERT_TRUE(Ip::parse(text)) << text;
    EXPECT_EQ(Ip::parse(text)->text(), text);
  }
}

TEST(Ip, WhatIsNoAddressIsRefused) {
  for (const char* text : {"", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "0x7f.1",
                           "[::1]", "::1%eth0", "1.2.3.4:80", "1.2.3.4 "}) {
    EXPECT_FALSE(Ip::parse(text)) << text;
  }
  EXPECT_FALSE(Ip::parse(std::string_view("1.2.3.4\0x", 9)));
}

TEST(Ip, AMappedAddressIsTheIpv4One) {
  EXPECT_EQ(Ip::parse("::ffff:10.1.2.3"), Ip::parse("10.1.2.3"));
  EXPECT_EQ(Ip::parse("::ffff:10.1.2.3")->text(), "10.1.2.3");
  sockaddr_storage storage{};
  auto* const six = reinterpret_cast<sockaddr_in6*>(&storage);
  six->sin6_family = AF_INET6;
  six->sin6_addr.s6_addr[10] = six->sin6_addr.s6_addr[11] = 0xff;
  six->sin6_addr.s6_addr[12] = 127;
  EXPECT_TRUE(Ip::of(storage).loopback());
}

TEST(Ip, LoopbackIsTheWholeIpv4NetAndOneIpv6Address) {
  for (const char* text : {"127.0.0.1", "127.255.1.2", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(Ip::parse(text)->loopback()) << text;
  }
  for (const char* text : {"128.0.0.1", "0.0.0.0", "::", "::2", "::127.0.0.1"}) {
    EXPECT_FALSE(Ip::parse(text)->loopback()) << text;
  }
}

TEST(Ip, AClientIsAnIpv4AddressOrAnIpv6Net) {
  EXPECT_EQ(Ip::parse("10.1.2.3")->client(), "10.1.2.3");
  EXPECT_EQ(Ip::parse("2001:db8:1:2:3:4:5:6")->client(), "2001:db8:1:2::/64");
  EXPECT_EQ(Ip::parse("2001:db8:1:2::")->client(), "2001:db8:1:2::/64");
  EXPECT_EQ(Ip::parse("::1")->client(), "::1");
}

TEST(HostPort, NamesAndAddressesWithAndWithoutPort) {
  EXPECT_EQ(parse_host_port("localhost:80")->host, "localhost");
  EXPECT_EQ(parse_host_port("localhost:80")->port, 80);
  EXPECT_FALSE(parse_host_port("localhost:80")->literal);
  EXPECT_FALSE(parse_host_port("a.example")->port);
  EXPECT_EQ(parse_host_port("[::1]:8080")->host, "::1");
  EXPECT_EQ(parse_host_port("[::1]:8080")->port, 8080);
  EXPECT_TRUE(parse_host_port("[::1]")->literal);
  EXPECT_TRUE(parse_host_port("10.0.0.1:65535")->literal);
}

TEST(HostPort, WhatIsNeitherIsRefused) {
  for (const char* text : {"", ":80", "a:", "a:65536", "a:-1", "a:+1", "a:8 0", "::1", "::1:80",
                           "[::1", "[::1]x", "[a]:80", "[1.2.3.4]:80", "a b", "a/b", "u@h:1"}) {
    EXPECT_FALSE(parse_host_port(text)) << text;
  }
}

TEST(HostPort, JoiningPutsBracketsAroundIpv6) {
  EXPECT_EQ(join_host_port("127.0.0.1", 80), "127.0.0.1:80");
  EXPECT_EQ(join_host_port("::1", 80), "[::1]:80");
}

Networks networks(std::vector<std::string> texts) {
  const base::Result<Networks> parsed = Networks::parse(texts);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().what);
  return parsed ? *parsed : Networks();
}

TEST(Networks, ContainWhatTheirPrefixSays) {
  const Networks some = networks({"10.0.0.0/8", "192.168.1.7", "fd00::/8", "2001:db8::/33"});
  for (const char* text : {"10.0.0.0", "10.255.255.255", "192.168.1.7", "fdff::1", "2001:db8::1",
                           "2001:db8:7fff::1", "::ffff:10.1.1.1"}) {
    EXPECT_TRUE(some.contains(*Ip::parse(text))) << text;
  }
  for (const char* text : {"11.0.0.0", "9.255.255.255", "192.168.1.6", "fe00::1",
                           "2001:db8:8000::1", "::", "::10.1.1.1"}) {
    EXPECT_FALSE(some.contains(*Ip::parse(text))) << text;
  }
}

TEST(Networks, AllAndNone) {
  EXPECT_TRUE(networks({"0.0.0.0/0"}).contains(*Ip::parse("8.8.8.8")));
  EXPECT_FALSE(networks({"0.0.0.0/0"}).contains(*Ip::parse("2001:db8::1")));
  EXPECT_TRUE(networks({"::/0"}).contains(*Ip::parse("8.8.8.8")));
  EXPECT_FALSE(networks({}).contains(*Ip::parse("127.0.0.1")));
  EXPECT_TRUE(networks({}).empty());
}

TEST(Networks, ErrorsNameTheNetworkAndWhatIsWrong) {
  const auto error = [](std::string text) {
    const std::vector<std::string> one = {std::move(text)};
    const base::Result<Networks> parsed = Networks::parse(one);
    return parsed ? std::string() : parsed.error().what;
  };
  for (const char* text : {"", "ten", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "::/129", "1/8"}) {
    EXPECT_NE(error(text).find("'" + std::string(text) + "'"), std::string::npos) << text;
  }
  EXPECT_NE(error("10.1.2.3/8").find("did you mean 10.0.0.0/8?"), std::string::npos);
}

}  // namespace
}  // namespace io

#include "http/address_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace http {
namespace {

io::Ip ip(std::string_view text) {
  const std::optional<io::Ip> parsed = io::Ip::parse(text);
  if (!parsed) throw std::invalid_argument(std::string(text));
  return *parsed;
}

std::string range_of(std::string_view text) {
  return std::string(special_range(ip(text)).value_or("public"));
}

// One row a range: its name, its first and its last address, and its neighbours outside.
struct Row {
  const char *name, *first, *last, *below, *above;
};
constexpr Row kRows[] = {
    {"this network", "0.0.0.0", "0.255.255.255", nullptr, "1.0.0.0"},
    {"private", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
    {"shared", "100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"},
    {"loopback", "127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"},
    {"link-local", "169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"},
    {"private", "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"},
    {"protocol assignments", "192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"},
    {"documentation", "192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"},
    {"6to4", "192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"},
    {"private", "192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"},
    {"benchmarking", "198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"},
    {"documentation", "198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"},
    {"documentation", "203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"},
    {"multicast", "224.0.0.0", "239.255.255.255", "223.255.255.255", nullptr},
    {"reserved", "240.0.0.0", "255.255.255.254", nullptr, nullptr},
    {"broadcast", "255.255.255.255", "255.255.255.255", nullptr, nullptr},
    {"metadata", "168.63.129.16", "168.63.129.16", "168.63.129.15", "168.63.129.17"},
    {"unspecified", "::", "::", nullptr, nullptr},
    {"loopback", "::1", "::1", nullptr, nullptr},
    {"ipv4-compatible", "::2", "::255.255.255.255", nullptr, "::1:0:0:0"},
    {"ipv4-translated", "::ffff:0:0:0", "::ffff:0:ffff:ffff", "::fffe:ffff:ffff:ffff",
     "::ffff:1:0:0"},
    {"nat64", "64:ff9b::", "64:ff9b::ffff:ffff", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff",
     "64:ff9b::1:0:0"},
    {"nat64", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
     "64:ff9b:0:ffff::", "64:ff9b:2::"},
    {"discard", "100::", "100::ffff:ffff:ffff:ffff", "ff:ffff::", "100:0:0:1::"},
    {"teredo", "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "2000:ffff::", nullptr},
    {"protocol assignments", "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr,
     "2001:200::"},
    {"documentation", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:db7:ffff::", "2001:db9::"},
    {"6to4", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:ffff::", "2003::"},
    {"documentation", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
     "3ffe:ffff::", "3fff:1000::"},
    {"segment routing", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "5eff:ffff::", "5f01::"},
    {"private", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fbff:ffff::", "fe00::"},
    {"link-local", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe7f:ffff::", nullptr},
    {"site-local", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr, nullptr},
    {"multicast", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr, nullptr},
};

TEST(AddressGuard, EveryRangeReachesFromItsFirstToItsLastAddress) {
  for (const Row& row : kRows) {
    EXPECT_EQ(range_of(row.first), row.name) << row.first;
    EXPECT_EQ(range_of(row.last), row.name) << row.last;
    for (const char* outside : {row.below, row.above}) {
      EXPECT_TRUE(outside == nullptr || range_of(outside) == "public") << outside;
    }
  }
}

TEST(AddressGuard, AMappedAddressIsTheIpv4AddressInIt) {
  EXPECT_EQ(range_of("::ffff:10.1.2.3"), "private");
  EXPECT_EQ(range_of("::ffff:a9fe:a9fe"), "metadata");
  EXPECT_EQ(range_of("::ffff:8.8.8.8"), "public");
}

TEST(AddressGuard, Ipv4InsideIpv6IsRefusedWhateverItIs) {
  for (const char* text : {"::8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "::ffff:0:808:808",
                           "2001:0:808:808::", "2a00::5efe:808:808", "2a00::200:5efe:808:808"}) {
    EXPECT_NE(range_of(text), "public") << text;
  }
}

constexpr const char* kFloor[] = {
    "169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "168.63.129.16",
    "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "::ffff:169.254.169.254",
    // The same inside IPv6.
    "::169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe",
    "64:ff9b:1:a9fe:a9:fe00::", "2002:a9fe:a9fe::", "::ffff:0:a9fe:a9fe",
    "2001:0:1:1:0:0:5601:5601", "2a00::5efe:a9fe:a9fe"};

TEST(AddressGuard, NoAllowListOpensTheHardFloor) {
  const std::vector<std::string> everything = {
      "0.0.0.0/0",    "::/0", "169.254.169.254", "*.internal", "metadata.google.internal",
      "instance-data"};
  for (const GuardMode mode : {GuardMode::kBlock, GuardMode::kReport}) {
    const AddressGuard guard = *AddressGuard::make(mode, everything);
    for (const char* text : kFloor) {
      EXPECT_FALSE(guard.judge("h", ip(text), 80).allowed) << text;
    }
    for (const char* name :
         {"metadata.google.internal", "METADATA.google.internal.", "metadata.goog",
          "metadata.azure.com", "instance-data", "metadata.oraclecloud.com"}) {
      EXPECT_FALSE(guard.judge(name, ip("8.8.8.8"), 80).allowed) << name;
    }
    EXPECT_TRUE(guard.judge("notmetadata.goog", ip("8.8.8.8"), 80).allowed);
    EXPECT_TRUE(guard.judge("h", ip("169.254.1.1"), 80).allowed);
  }
  const AddressGuard off = *AddressGuard::make(GuardMode::kOff, {});
  EXPECT_TRUE(off.judge("h", ip("169.254.169.254"), 80).allowed);
  EXPECT_EQ(off.judge("h", ip("169.254.169.254"), 80).range, "metadata");
}

TEST(AddressGuard, AnAllowListOpensWhatItNamesAndNothingElse) {
  const std::vector<std::string> allow = {"10.0.1.0/24", "fd12::/16", "192.168.0.7",
                                          "Hooks.Internal", "*.svc.local"};
  const AddressGuard guard = *AddressGuard::make(GuardMode::kBlock, allow);
  const auto allowed = [&](std::string_view host, std::string_view address) {
    return guard.judge(host, ip(address), 443).allowed;
  };
  EXPECT_TRUE(allowed("h", "10.0.1.255"));
  EXPECT_FALSE(allowed("h", "10.0.2.0"));
  EXPECT_TRUE(allowed("h", "fd12::1"));
  EXPECT_FALSE(allowed("h", "fd13::1"));
  EXPECT_TRUE(allowed("h", "192.168.0.7"));
  EXPECT_FALSE(allowed("h", "192.168.0.8"));
  EXPECT_TRUE(allowed("hooks.internal", "10.9.9.9"));
  EXPECT_FALSE(allowed("x.hooks.internal", "10.9.9.9"));
  EXPECT_TRUE(allowed("a.b.svc.local", "10.9.9.9"));
  EXPECT_FALSE(allowed("svc.local", "10.9.9.9"));
  EXPECT_FALSE(allowed("evilsvc.local", "10.9.9.9"));
  EXPECT_TRUE(allowed("h", "8.8.8.8"));
  // IPv4 inside IPv6 is not what the list named.
  EXPECT_FALSE(allowed("h", "64:ff9b::a00:101"));
}

TEST(AddressGuard, OwnListenersAreOpenedOnlyByThemselves) {
  const std::vector<io::Endpoint> own = {{ip("192.168.1.100"), 4750}, {ip("8.8.4.4"), 80}};
  const auto verdict = [&](std::vector<std::string> allow, const char* address, uint16_t port) {
    return AddressGuard::make(GuardMode::kBlock, allow, own)->judge("me.test", ip(address), port);
  };
  EXPECT_FALSE(verdict({"192.168.0.0/16"}, "192.168.1.100", 4750).allowed);
  EXPECT_EQ(verdict({"192.168.0.0/16"}, "192.168.1.100", 4750).range, "self");
  EXPECT_TRUE(verdict({"192.168.0.0/16"}, "192.168.1.100", 4751).allowed);
  EXPECT_TRUE(verdict({"192.168.1.100"}, "192.168.1.100", 4750).allowed);
  EXPECT_TRUE(verdict({"me.test"}, "192.168.1.100", 4750).allowed);
  EXPECT_FALSE(verdict({}, "8.8.4.4", 80).allowed);  // Public, but ours.
  EXPECT_TRUE(verdict({}, "8.8.4.4", 81).allowed);
}

TEST(AddressGuard, AListenerAtEveryAddressIsOneAtLoopback) {
  const std::vector<std::string> allow = {"127.0.0.0/8", "::1/128"};
  for (const char* any : {"0.0.0.0", "::"}) {
    const AddressGuard guard = *AddressGuard::make(GuardMode::kBlock, allow, {{ip(any), 7411}});
    EXPECT_FALSE(guard.judge("h", ip("127.0.0.1"), 7411).allowed) << any;
    EXPECT_FALSE(guard.judge("h", ip("127.8.8.8"), 7411).allowed) << any;
    EXPECT_TRUE(guard.judge("h", ip("127.0.0.1"), 7412).allowed) << any;
  }
}

TEST(AddressGuard, ReportModeAllowsAndTells) {
  const AddressGuard guard = *AddressGuard::make(GuardMode::kReport, {});
  const AddressGuard::Verdict verdict = guard.judge("h", ip("10.0.0.1"), 80);
  EXPECT_TRUE(verdict.allowed);
  EXPECT_TRUE(verdict.reported);
  EXPECT_EQ(verdict.range, "private");
  EXPECT_FALSE(guard.judge("h", ip("8.8.8.8"), 80).reported);
}

TEST(AddressGuard, AListedGuardAllowsOnlyWhatIsListed) {
  const std::string allow[] = {"10.0.0.0/8", "hooks.test", "169.254.0.0/16"};
  const AddressGuard guard = *AddressGuard::make(GuardMode::kListed, allow, {{ip("10.0.0.9"), 80}});
  EXPECT_TRUE(guard.judge("h", ip("10.0.0.1"), 80).allowed);
  EXPECT_TRUE(guard.judge("h", ip("10.0.0.9"), 80).allowed);
  EXPECT_TRUE(guard.judge("hooks.test", ip("8.8.8.8"), 80).allowed);
  EXPECT_FALSE(guard.judge("h", ip("8.8.8.8"), 80).allowed);
  EXPECT_FALSE(guard.judge("h", ip("127.0.0.1"), 80).allowed);
  EXPECT_FALSE(guard.judge("h", ip("169.254.169.254"), 80).allowed);
}

TEST(AddressGuard, AnEntryThatIsNothingIsNamed) {
  for (const std::string entry :
       {"10.0.0.0/33", "10.1.2.3/8", "", "a b", "*.", "*", "a..b", "http://a", "a:80", "[::1]"}) {
    const std::string allow[] = {entry};
    const base::Result<AddressGuard> guard = AddressGuard::make(GuardMode::kBlock, allow);
    ASSERT_FALSE(guard) << entry;
    EXPECT_EQ(guard.error().field, "allow");
    EXPECT_THAT(guard.error().what, testing::HasSubstr(entry));
  }
}

}  // namespace
}  // namespace http

#include "http/page_guard.h"

#include <gtest/gtest.h>

namespace http {
namespace {

PageGuard on_loopback() {
  return {.bound_host = "127.0.0.1",
          .bound_ip = *io::Ip::parse("127.0.0.1"),
          .port = 8080,
          .hosts = {}};
}
PageGuard on_all() {
  return {.bound_host = "0.0.0.0",
          .bound_ip = *io::Ip::parse("0.0.0.0"),
          .port = 8080,
          .hosts = {"limits.example.com"}};
}

bool host_passes(const PageGuard& guard, std::string_view host) {
  Request request;
  request.host = host;
  return !foreign(guard, request);
}

TEST(PageGuard, OnLoopbackOnlyLoopbackNamesWithThePortPass) {
  for (const char* host :
       {"127.0.0.1:8080", "localhost:8080", "LocalHost:8080", "[::1]:8080", "127.1.2.3:8080"}) {
    EXPECT_TRUE(host_passes(on_loopback(), host)) << host;
  }
  for (const char* host :
       {"127.0.0.1", "localhost:80", "evil.example:8080", "evil.example", "10.0.0.1:8080",
        "localhost.evil.example:8080", "127.0.0.1.nip.io:8080", "db:8080", "printer.local:8080",
        "[::2]:8080", "a b", "@localhost:8080", "localhost:8080:8080"}) {
    EXPECT_FALSE(host_passes(on_loopback(), host)) << host;
  }
}

TEST(PageGuard, WithoutAPortPort80IsMeant) {
  PageGuard guard = on_loopback();
  guard.port = 80;
  EXPECT_TRUE(host_passes(guard, "localhost"));
  EXPECT_TRUE(host_passes(guard, "localhost:80"));
}

TEST(PageGuard, TheBoundNamePasses) {
  PageGuard guard = on_loopback();
  guard.bound_host = "limiter.test";
  EXPECT_TRUE(host_passes(guard, "limiter.test:8080"));
  EXPECT_FALSE(host_passes(guard, "limiter.test:81"));
}

TEST(PageGuard, OnAPublicAddressNamesThatCannotBeReboundPassWithAnyPort) {
  for (const char* host : {"10.0.0.5:8080", "10.0.0.5:30080", "[fd00::1]:8080", "ratelimmq:8080",
                           "ratelimmq.default.svc.cluster.local:8080", "a.internal", "localhost:1",
                           "nas.home.arpa", "limits.example.com", "LIMITS.example.com:443"}) {
    EXPECT_TRUE(host_passes(on_all(), host)) << host;
  }
  for (const char* host : {"evil.example:8080", "limits.example.com.evil.example", "internal.evil",
                           "xlimits.example.com", "a.b", "10.0.0.5.nip.io", "."}) {
    EXPECT_FALSE(host_passes(on_all(), host)) << host;
  }
}

TEST(PageGuard, OnlyOldHttpMayLeaveHostOut) { EXPECT_TRUE(host_passes(on_loopback(), "")); }

TEST(PageGuard, AnOriginMustBeTheRequestsOwn) {
  const auto passes = [](std::string_view origin) {
    Request request;
    request.host = "127.0.0.1:8080";
    request.origin = origin;
    return !foreign(on_loopback(), request);
  };
  EXPECT_TRUE(passes(""));
  EXPECT_TRUE(passes("http://127.0.0.1:8080"));
  EXPECT_TRUE(passes("https://127.0.0.1:8080"));
  for (const char* origin : {"null", "http://evil.example", "http://localhost:8080",
                             "http://127.0.0.1:3000", "http://127.0.0.1", "127.0.0.1:8080",
                             "ftp://127.0.0.1:8080", "http://127.0.0.1:8080.evil.example"}) {
    EXPECT_FALSE(passes(origin)) << origin;
  }
}

TEST(PageGuard, ARequestOfAnotherSiteIsRefused) {
  const auto passes = [](std::string_view site) {
    Request request;
    request.host = "127.0.0.1:8080";
    request.sec_fetch_site = site;
    return !foreign(on_loopback(), request);
  };
  EXPECT_TRUE(passes(""));
  EXPECT_TRUE(passes("same-origin"));
  EXPECT_TRUE(passes("none"));
  EXPECT_FALSE(passes("cross-site"));
  EXPECT_FALSE(passes("same-site"));
  EXPECT_FALSE(passes("anything"));
}

}  // namespace
}  // namespace http

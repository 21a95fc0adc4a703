#include "engine/host.h"

#include <gtest/gtest.h>

#include <utility>

namespace engine {
namespace {

TEST(Host, OneSpellingForEveryHost) {
  const std::pair<const char*, const char*> rows[] = {
      {"https://example.com/x", "example.com"},
      {"https://user:secret@Example.COM:443/x", "example.com"},
      {"HTTPS://example.com.:443?q", "example.com"},
      {"http://example.com:80", "example.com"},
      {"http://example.com:443#f", "example.com:443"},
      {"https://example.com:80", "example.com:80"},
      {"http://example.com:", "example.com"},
      {"http://example.com:08080/", "example.com:8080"},
      {"http://a_b-c.d/", "a_b-c.d"},
      {"http://127.0.0.1:8080/", "127.0.0.1:8080"},
      {"http://127.1/", "127.0.0.1"},
      {"http://0x7F000001/", "127.0.0.1"},
      {"http://2130706433/", "127.0.0.1"},
      {"http://0177.0.0.1/", "127.0.0.1"},
      {"http://1.2.3.4./", "1.2.3.4"},
      {"http://[::1]:8080/", "[::1]:8080"},
      {"http://[0:0:0:0:0:0:0:1]/", "[::1]"},
      {"https://[2001:DB8::0001]:443", "[2001:db8::1]"},
      {"http://[::ffff:10.0.0.1]/", "10.0.0.1"},
      {"ftp://files.test:21/x", "files.test:21"},
  };
  for (const auto& [url, host] : rows) EXPECT_EQ(host_of(url), host) << url;
}

TEST(Host, WhatNamesNoHostHasNone) {
  for (const char* url : {"",
                          "example.com",
                          "http://",
                          "http:///x",
                          "http://:80",
                          "http://a b/",
                          "http://a%62c/",
                          "http://\xC3\xA9.test/",
                          "http://a..b/",
                          "http://.a/",
                          "http://./",
                          "http://1.2.3.4.5/",
                          "http://256.1.1.1/",
                          "http://a.1/",
                          "http://08/",
                          "http://4294967296/",
                          "http://0x/",
                          "http://a:0/",
                          "http://a:65536/",
                          "http://a:x/",
                          "http://a:-1/",
                          "http://[::1/",
                          "http://[::1]x/",
                          "http://[::1%25eth0]/",
                          "http://[1.2.3.4]/",
                          "http://[",
                          "http://[]/",
                          "http://a\\b/"})
    EXPECT_EQ(host_of(url), "") << url;
  EXPECT_EQ(host_of("http://" + std::string(254, 'a')), "");
}

}  // namespace
}  // namespace engine

#include "gateway/registration.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

io::Networks networks(std::vector<std::string> texts) { return *io::Networks::parse(texts); }

// "open", "NOAUTH" or "NOPERM".
std::string admitted(const std::string& peer, std::vector<proxy::Field> fields = {},
                     std::string_view secret = "s3cret") {
  proxy::Head head;
  head.peer = *io::Ip::parse(peer);
  head.fields = std::move(fields);
  const base::Status status = may_register(head, networks({"10.0.0.0/8"}), secret);
  if (status) return "open";
  return status.error().code == base::Code::kNoAuth ? "NOAUTH" : "NOPERM";
}

std::string read(std::string_view body) {
  const base::Result<Registration> out = read_registration(body, networks({"10.0.0.0/8"}));
  if (!out) return "error " + out.error().field;
  return out->host + " " + std::to_string(out->port) +
         (out->ttl ? " " + std::to_string(out->ttl->count() / 1'000'000) : "");
}

TEST(Registration, IsOpenOnLoopbackAndFromTrustedNetworks) {
  EXPECT_EQ(admitted("127.0.0.1"), "open");
  EXPECT_EQ(admitted("127.9.9.9"), "open");
  EXPECT_EQ(admitted("::1"), "open");
  EXPECT_EQ(admitted("10.1.2.3"), "open");
  EXPECT_EQ(admitted("::ffff:10.1.2.3"), "open");
  EXPECT_EQ(admitted("192.0.2.1"), "NOAUTH");
  EXPECT_EQ(admitted("2001:db8::1"), "NOAUTH");
}

TEST(Registration, ElsewhereItNeedsTheSecretWhole) {
  const auto with = [](const char* value) {
    return admitted("192.0.2.1", {{"Authorization", value}});
  };
  EXPECT_EQ(with("Bearer s3cret"), "open");
  EXPECT_EQ(with("bearer  s3cret "), "open");
  for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3crets", "s3cret",
                            "Basic s3cret", "Bearer S3CRET", "Bearers3cret"}) {
    EXPECT_EQ(with(wrong), "NOAUTH") << wrong;
  }
  EXPECT_EQ(admitted("192.0.2.1", {{"Authorization", "Bearer "}}, ""), "NOAUTH");
}

TEST(Registration, AProxyOnLoopbackOpensNothingForItsClients) {
  for (const char* name : {"X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"}) {
    EXPECT_EQ(admitted("127.0.0.1", {{name, "127.0.0.1"}}), "NOAUTH") << name;
    EXPECT_EQ(admitted("127.0.0.1", {{name, "x"}, {"Authorization", "Bearer s3cret"}}), "open");
  }
}

TEST(Registration, IsNotForWebPages) {
  EXPECT_EQ(admitted("127.0.0.1", {{"Origin", "http://evil.test"}}), "NOPERM");
  EXPECT_EQ(admitted("127.0.0.1", {{"Sec-Fetch-Site", "cross-site"}}), "NOPERM");
  EXPECT_EQ(admitted("10.0.0.1", {{"Origin", "null"}, {"Authorization", "Bearer s3cret"}}),
            "NOPERM");
}

TEST(Registration, ReadsAddressesInEverySpellingAndNames) {
  EXPECT_EQ(read(R"({"host":"10.0.0.7","port":8001})"), "10.0.0.7 8001");
  EXPECT_EQ(read(R"({"host":"127.1","port":8001})"), "127.0.0.1 8001");
  EXPECT_EQ(read(R"({"host":"::1","port":8001})"), "::1 8001");
  EXPECT_EQ(read(R"({"host":"[::1]","port":8001})"), "::1 8001");
  EXPECT_EQ(read(R"({"host":"Limiter-1.internal","port":65535})"), "limiter-1.internal 65535");
  EXPECT_EQ(read(R"({"host":"10.0.0.7","port":1,"ttl_s":3})"), "10.0.0.7 1 3000");
  EXPECT_EQ(read(R"({"host":"10.0.0.7","port":1,"ttl_s":2.5,"more":[]})"), "10.0.0.7 1 2500");
  EXPECT_EQ(read(R"({"host":"10.0.0.7","port":1,"ttl_s":1e300})"), "10.0.0.7 1 1000000000000");
}

TEST(Registration, ErrorsNameTheField) {
  for (const char* body : {"", "rubbish", "[]", "1", "{\"host\":"})
    EXPECT_EQ(read(body), "error ") << body;
  for (const char* host : {"\"\"",
                           "1",
                           "null",
                           "\"a b\"",
                           "\"a/b\"",
                           "\"a@b\"",
                           "\"a:80\"",
                           "\"a?b\"",
                           "\"a#b\"",
                           "\"a\\r\\nb\"",
                           "\"[10.0.0.1]\"",
                           "\"fe80::1%eth0\"",
                           "\"192.168.0.1\"",
                           "\"8.8.8.8\"",
                           "\"0.0.0.0\"",
                           "\"134744072\"",
                           "\"0x08080808\"",
                           "\"1.2.3.4.5\"",
                           "\"169.254.169.254\"",
                           "\"metadata.google.internal\"",
                           "\"2001:db8::1\"",
                           "\"::ffff:8.8.8.8\"",
                           "\"-..\""}) {
    EXPECT_EQ(read("{\"port\":8001,\"host\":" + std::string(host) + "}"), "error host") << host;
  }
  EXPECT_EQ(read(R"({"port":8001})"), "error host");
  for (const char* port : {"0", "65536", "-1", "\"8001\"", "1.5", "null"}) {
    EXPECT_EQ(read("{\"host\":\"10.0.0.1\",\"port\":" + std::string(port) + "}"), "error port")
        << port;
  }
  EXPECT_EQ(read(R"({"host":"10.0.0.1"})"), "error port");
  for (const char* ttl : {"0", "-1", "\"3\"", "null", "true"}) {
    EXPECT_EQ(read(R"({"host":"10.0.0.1","port":1,"ttl_s":)" + std::string(ttl) + "}"),
              "error ttl_s")
        << ttl;
  }
}

}  // namespace
}  // namespace gateway

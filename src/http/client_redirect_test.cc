#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/loopback_bed.h"

namespace http {
namespace {

using loopback_bed::always;
using loopback_bed::Bed;
using loopback_bed::Peer;
using loopback_bed::Server;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Keeps what it was asked; sends those who ask for "/" away and says "here" to all others.
class Redirecting {
 public:
  explicit Redirecting(std::string status, std::string location)
      : status_(std::move(status)), location_(std::move(location)), server([this](Peer& peer) {
          for (std::string request = peer.request(); !request.empty(); request = peer.request()) {
            const bool away = request.find(" / HTTP") != std::string::npos;
            requests.push_back(std::move(request));
            peer.send(away ? "HTTP/1.1 " + status_ + " Away\r\nLocation: " + location_ +
                                 "\r\nContent-Length: 4\r\n\r\naway"
                           : "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere");
          }
        }) {}

 private:
  std::string status_, location_;

 public:
  std::vector<std::string> requests;
  Server server;
};

constexpr Field kFields[] = {{"X-Secret", "s"}, {"Content-Type", "text/plain"}};

TEST(ClientRedirect, IsNotFollowedUnlessAskedFor) {
  Redirecting at("302", "/there");
  Bed bed;
  const Response answer = bed.fetch(at.server.url(), {.kept_bytes = 10});
  EXPECT_EQ(answer.failure, Failure::kNone);
  EXPECT_EQ(answer.status, 302);
  EXPECT_EQ(answer.location, "/there");
  EXPECT_EQ(answer.body, "away");
  EXPECT_EQ(at.requests.size(), 1u);
}

TEST(ClientRedirect, IsStrictIfAskedFor) {
  Redirecting temporary("307", "/there"), permanent("308", "/there"), found("302", "/there");
  Redirecting elsewhere("307", temporary.server.url("/there"));
  Bed bed;
  const auto asked = [&](Redirecting& at) {
    return bed
        .fetch(at.server.url(), {.method = "POST",
                                 .fields = kFields,
                                 .body = "whole",
                                 .redirects_max = 1,
                                 .strict_redirects = true})
        .status;
  };
  EXPECT_EQ(asked(temporary), 200);
  EXPECT_THAT(temporary.requests.back(), testing::EndsWith("whole"));
  EXPECT_THAT(temporary.requests.back(), HasSubstr("X-Secret"));
  EXPECT_EQ(asked(permanent), 200);
  EXPECT_EQ(asked(found), 302);  // It would go on without the body.
  EXPECT_EQ(asked(elsewhere), 307);
  EXPECT_EQ(found.requests.size() + elsewhere.requests.size(), 2u);
  EXPECT_EQ(temporary.requests.size(), 2u);
}

TEST(ClientRedirect, OfOneOriginKeepsFieldsAndShowsOnlyTheLastBody) {
  Redirecting at("302", "there?x=1#part");
  Bed bed;
  std::string body;
  const Response answer = bed.fetch(
      at.server.url(),
      {.fields = kFields, .redirects_max = 1, .kept_bytes = 10, .on_body = [&](auto bytes) {
         body += bytes;
         return true;
       }});
  EXPECT_EQ(answer.status, 200) << answer.error;
  EXPECT_EQ(answer.location, "");
  EXPECT_EQ(answer.body, "here");
  EXPECT_EQ(answer.body_bytes, 4u);
  EXPECT_EQ(body, "here");
  ASSERT_EQ(at.requests.size(), 2u);
  EXPECT_THAT(at.requests[1], StartsWith("GET /there?x=1 HTTP/1.1\r\n"));
  EXPECT_THAT(at.requests[1], HasSubstr("X-Secret: s\r\n"));
  EXPECT_EQ(at.server.connections(), 1);
}

TEST(ClientRedirect, ToAnotherOriginDropsAllFieldsForGood) {
  Redirecting other("302", "");
  Redirecting at("307", other.server.url("/there"));
  Bed bed;
  const Response answer = bed.fetch(
      at.server.url(), {.method = "POST", .fields = kFields, .body = "b", .redirects_max = 3});
  EXPECT_EQ(answer.status, 200) << answer.error;
  ASSERT_EQ(other.requests.size(), 1u);
  EXPECT_THAT(other.requests[0], Not(HasSubstr("Secret")));
  EXPECT_THAT(other.requests[0], Not(HasSubstr("text/plain")));
}

TEST(ClientRedirect, Keeps307And308ButMakesAGetOfOthers) {
  for (const std::string status : {"301", "302", "303", "307", "308"}) {
    Redirecting at(status, "/there");
    Bed bed;
    bed.fetch(at.server.url(),
              {.method = "PUT", .fields = kFields, .body = "some body", .redirects_max = 1});
    ASSERT_EQ(at.requests.size(), 2u) << status;
    const std::string& second = at.requests[1];
    if (status < "307") {
      EXPECT_THAT(second, StartsWith("GET /there ")) << status;
      EXPECT_THAT(second, Not(HasSubstr("Content-")));
      EXPECT_THAT(second, testing::EndsWith("\r\n\r\n"));
    } else {
      EXPECT_THAT(second, StartsWith("PUT /there ")) << status;
      EXPECT_THAT(second, HasSubstr("Content-Type: text/plain\r\n"));
      EXPECT_THAT(second, testing::EndsWith("\r\n\r\nsome body"));
    }
  }
}

TEST(ClientRedirect, HeadStaysHead) {
  Redirecting at("303", "/there");
  Server server([&](Peer& peer) {
    for (std::string request = peer.request(); !request.empty(); request = peer.request()) {
      const bool away = request.find(" / HTTP") != std::string::npos;
      at.requests.push_back(request);
      peer.send(away ? "HTTP/1.1 303 Away\r\nLocation: /x\r\nContent-Length: 4\r\n\r\n"
                     : "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
    }
  });
  Bed bed;
  EXPECT_EQ(bed.fetch(server.url(), {.method = "HEAD", .redirects_max = 1}).status, 200);
  ASSERT_EQ(at.requests.size(), 2u);
  EXPECT_THAT(at.requests[1], StartsWith("HEAD /x "));
}

TEST(ClientRedirect, LoopsEnd) {
  Redirecting at("302", "/");
  Bed bed;
  const Response answer = bed.fetch(at.server.url(), {.redirects_max = 4});
  EXPECT_EQ(answer.failure, Failure::kRedirect);
  EXPECT_EQ(at.requests.size(), 5u);
}

TEST(ClientRedirect, OnlyToWhatCanBeFetched) {
  for (const std::string location :
       {"file:///etc/passwd", "ftp://127.0.0.1/", "http://user:word@127.0.0.1/", "http://[x]/",
        "http://127.0.0.1\\@evil/", "gopher://127.0.0.1:11211/"}) {
    Redirecting at("302", location);
    Bed bed;
    const Response answer = bed.fetch(at.server.url(), {.redirects_max = 4});
    EXPECT_EQ(answer.failure, Failure::kRedirect) << location;
    EXPECT_EQ(answer.status, 302) << location;
    EXPECT_EQ(at.requests.size(), 1u);
  }
}

TEST(ClientRedirect, IsJudgedByTheGuardAgain) {
  Redirecting inside("302", "");
  Redirecting at("302", "http://127.0.0.2:" + std::to_string(inside.server.port()) + "/");
  const std::string allow[] = {"127.0.0.1"};
  Bed bed({.guard = *AddressGuard::make(GuardMode::kBlock, allow)});
  const Response answer = bed.fetch(at.server.url(), {.redirects_max = 4});
  EXPECT_EQ(answer.failure, Failure::kGuard) << answer.error;
  EXPECT_EQ(inside.server.connections(), 0);
}

}  // namespace
}  // namespace http

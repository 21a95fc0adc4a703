#include "http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/loopback_bed.h"

namespace http {
namespace {

using loopback_bed::always;
using loopback_bed::Bed;
using loopback_bed::Peer;
using loopback_bed::Server;
using testing::HasSubstr;
using testing::Not;

TEST(Client, GetsAnAnswerWithItsFields) {
  std::string seen;
  Server server([&](Peer& peer) {
    seen = peer.request();
    peer.send(
        "HTTP/1.1 429 Too Many\r\nContent-Length: 5\r\nRetry-After:  7 \r\nRateLimit: \"a\";r=1\r\n"
        "ratelimit: \"b\";r=0\r\nAge: 3\r\nLocation: /x\r\n\r\nhello");
  });
  Bed bed;
  const Field fields[] = {
      {"X-One", "1"}, {"X-None", ""}, {"Host", "evil"}, {"content-length", "9"}};
  const Response answer = bed.fetch(server.url("/a?b=c"), {.fields = fields, .kept_bytes = 4});
  EXPECT_EQ(answer.failure, Failure::kNone) << answer.error;
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.body, "hell");
  EXPECT_EQ(answer.body_bytes, 5u);
  EXPECT_EQ(answer.retry_after, "7");
  EXPECT_EQ(answer.ratelimit, "\"a\";r=1, \"b\";r=0");
  EXPECT_EQ(answer.age, "3");
  EXPECT_EQ(answer.location, "/x");
  EXPECT_THAT(seen, testing::StartsWith("GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(seen, HasSubstr("X-One: 1\r\n"));
  EXPECT_THAT(seen, HasSubstr("X-None:\r\n"));
  EXPECT_THAT(seen, HasSubstr("User-Agent: ratelimmq/"));
  EXPECT_THAT(seen, HasSubstr("Accept-Encoding: gzip"));
  EXPECT_THAT(seen, Not(HasSubstr("evil")));
  EXPECT_THAT(seen, Not(HasSubstr("ength: 9")));
}

TEST(Client, AConnectionIsUsedAgain) {
  Server server(always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  Bed bed;
  const Response first = bed.fetch(server.url());
  EXPECT_GT(first.phases.connect, base::Duration::zero());
  EXPECT_GE(first.phases.total, first.phases.first_byte);
  for (int i = 0; i < 20; ++i) {
    const Response next = bed.fetch(server.url());
    EXPECT_EQ(next.status, 200);
    EXPECT_EQ(next.phases.connect, base::Duration::zero());
    EXPECT_GT(next.phases.first_byte, base::Duration::zero());
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(bed.client->connections(), 1u);
}

TEST(Client, AConnectionThatTheServerClosedMeanwhileIsReplaced) {
  Server server([](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  Bed bed;
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(bed.fetch(server.url()).status, 200);
    EXPECT_EQ(server.connections(), i);
  }
}

TEST(Client, AHostThatAsksForAPauseKeepsNoConnection) {
  std::string status = "429";
  Server server([&](Peer& peer) {
    while (!peer.request().empty())
      peer.send("HTTP/1.1 " + status + " x\r\nContent-Length: 2\r\n\r\nok");
  });
  Bed bed;
  for (const char* each : {"429", "503", "200"}) {
    EXPECT_EQ(bed.client->connections(), 0u);
    status = each;
    EXPECT_EQ(bed.fetch(server.url()).status, std::stoi(status));
  }
  EXPECT_EQ(bed.client->connections(), 1u);
}

TEST(Client, EveryWayABodyEndsIsUnderstood) {
  const std::pair<std::string, std::string> ways[] = {
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n"
       "Retry-After: 9\r\n\r\n",
       "abc"},
      {"HTTP/1.0 200 OK\r\n\r\nuntil the end", "until the end"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nRetry-After: 1\r\n\r\n"
       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
       "x"},
      {"HTTP/1.1 204 No Content\r\n\r\n", ""},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", ""},
  };
  for (const auto& way : ways) {
    const std::string& bytes = way.first;
    const std::string& body = way.second;
    Server server([&](Peer& peer) {
      peer.request();
      peer.send(bytes);
    });
    Bed bed;
    const Response answer = bed.fetch(server.url(), {.kept_bytes = 100});
    EXPECT_EQ(answer.failure, Failure::kNone) << bytes << answer.error;
    EXPECT_EQ(answer.body, body);
    EXPECT_EQ(answer.retry_after, "") << "an interim answer's, or a trailer";
    EXPECT_EQ(answer.status, std::stoi(bytes.substr(bytes.rfind("HTTP/1.") + 9, 3)));
  }
}

TEST(Client, SendsTheMethodItIsTold) {
  std::vector<std::string> seen;
  Server server([&](Peer& peer) {
    for (std::string request = peer.request(); !request.empty(); request = peer.request()) {
      const bool head = request.starts_with("HEAD");
      seen.push_back(std::move(request));
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
      if (!head) peer.send("ok");
    }
  });
  Bed bed;
  // One handle takes them all, one after the other: nothing of one request is left in the next.
  const std::pair<const char*, const char*> all[] = {
      {"GET", ""},    {"HEAD", ""},  {"POST", "b1"},  {"GET", ""},     {"POST", ""},
      {"DELETE", ""}, {"HEAD", ""},  {"PUT", "b2"},   {"OPTIONS", ""}, {"DELETE", "b3"},
      {"POST", "b4"}, {"PATCH", ""}, {"GET", "body"}, {"GET", ""}};
  for (const auto& [method, body] : all) {
    const Response answer =
        bed.fetch(server.url(), {.method = method, .body = body, .kept_bytes = 5});
    EXPECT_EQ(answer.status, 200) << method << answer.error;
    EXPECT_EQ(answer.body, std::string_view(method) == "HEAD" ? "" : "ok") << method;
    EXPECT_THAT(seen.back(), testing::StartsWith(std::string(method) + " / HTTP/1.1\r\n"));
    EXPECT_THAT(seen.back(), testing::EndsWith(std::string("\r\n\r\n") + body));
    EXPECT_THAT(seen.back(), Not(HasSubstr("urlencoded")));
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(Client, SendsALargeBodyWithoutWaitingToBeAsked) {
  std::string seen;
  Server server([&](Peer& peer) {
    seen = peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  Bed bed;
  const std::string body(5 << 20, 'b');
  const Response answer = bed.fetch(server.url(), {.method = "POST", .body = body});
  EXPECT_EQ(answer.status, 200) << answer.error;
  EXPECT_THAT(seen, Not(HasSubstr("Expect")));
  EXPECT_TRUE(seen.ends_with(body));
}

TEST(Client, RefusesFieldsAndMethodsThatWouldSayMore) {
  Server server(always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  Bed bed;
  const Field injected[] = {{"X-One", "1\r\nX-Two: 2"}};
  const Field named[] = {{"X One", "1"}};
  EXPECT_EQ(bed.fetch(server.url(), {.fields = injected}).failure, Failure::kUrl);
  EXPECT_EQ(bed.fetch(server.url(), {.fields = named}).failure, Failure::kUrl);
  EXPECT_EQ(bed.fetch(server.url(), {.method = "GET /x"}).failure, Failure::kUrl);
  EXPECT_EQ(bed.fetch(server.url(), {.method = "CONNECT"}).failure, Failure::kUrl);
  EXPECT_EQ(server.connections(), 0);
}

TEST(Client, NobodyListensIsAConnectFailure) {
  uint16_t port = 0;
  { port = Server(always("")).port(); }
  Bed bed;
  const Response answer = bed.fetch("http://127.0.0.1:" + std::to_string(port) + "/");
  EXPECT_EQ(answer.failure, Failure::kConnect);
  EXPECT_EQ(answer.status, 0);
  EXPECT_THAT(answer.error, Not(testing::IsEmpty()));
}

TEST(Client, WhoNeverAcceptsIsATimeout) {
  const loopback_bed::Deaf deaf;
  const std::string url = "http://127.0.0.1:" + std::to_string(deaf.port()) + "/";
  Bed bed;
  const Response answer = bed.fetch(url, {.timeout = std::chrono::milliseconds(20)});
  EXPECT_EQ(answer.failure, Failure::kTimeout);
  EXPECT_EQ(answer.status, 0);
}

TEST(Client, TheEnvironmentsProxyIsNotUsed) {
  Server server(always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  Bed bed;
  EXPECT_EQ(bed.fetch(server.url()).status, 200);
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
}

TEST(Client, CookiesAreNotKept) {
  std::vector<std::string> seen;
  Server server([&](Peer& peer) {
    for (std::string request = peer.request(); !request.empty(); request = peer.request()) {
      seen.push_back(std::move(request));
      peer.send("HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n");
    }
  });
  Bed bed;
  bed.fetch(server.url());
  bed.fetch(server.url());
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_THAT(seen[1], Not(HasSubstr("Cookie")));
}

// What a load of requests needs: those of one client, until `count` have ended.
struct Load {
  Bed& bed;
  Url url;
  int to_send = 0, ended = 0, ok = 0;

  void send() {
    --to_send;
    bed.client->send({.url = &url}, [this](Response&& response) {
      ++ended;
      ok += response.status == 200;
      if (to_send > 0) send();
    });
  }
};

TEST(Client, AThousandInFlightAndTheNextFromInsideDone) {
  constexpr int kInFlight = 1000, kAll = 5000;
  io::raise_descriptor_limit();
  Server server(always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  Bed bed;
  Load load{.bed = bed, .url = *parse_url(server.url()), .to_send = kAll};
  for (int i = 0; i < kInFlight; ++i) load.send();
  EXPECT_EQ(bed.client->in_flight(), size_t{kInFlight});
  bed.run([&] { return load.ended == kAll; });
  EXPECT_EQ(load.ok, kAll);
  EXPECT_EQ(bed.client->in_flight(), 0u);
  EXPECT_LE(server.connections(), kInFlight + 50);
}

TEST(Client, IdleConnectionsAreBounded) {
  Server server(always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  ClientOptions options = loopback_bed::open_to_loopback();
  options.idle_connections_max = 10;
  Bed bed(std::move(options));
  Load load{.bed = bed, .url = *parse_url(server.url()), .to_send = 300};
  for (int i = 0; i < 300; ++i) load.send();
  bed.run([&] { return load.ended == 300; });
  bed.fetch(server.url());
  EXPECT_LE(bed.client->connections(), 10u + 64u);
}

TEST(Client, CancelEndsARequestWhereverItIs) {
  Server server([](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
    peer.drain();
  });
  Bed bed;
  const Url url = *parse_url(server.url());
  std::vector<Failure> ends;
  const auto note = [&](Response&& response) { ends.push_back(response.failure); };
  const Client::Id fresh = bed.client->send({.url = &url}, note);
  bed.client->cancel(fresh);
  EXPECT_TRUE(ends.empty()) << "not from inside";
  bed.run([&] { return ends.size() == 1; });
  bed.client->cancel(fresh);  // Unknown by now.

  Client::Id self = 0;
  self = bed.client->send({.url = &url,
                           .on_body =
                               [&](std::string_view) {
                                 bed.client->cancel(self);
                                 bed.client->cancel(self);
                                 return true;
                               }},
                          note);
  bed.run([&] { return ends.size() == 2; });
  bed.client->send({.url = &url, .on_body = [](std::string_view) { return false; }}, note);
  bed.run([&] { return ends.size() == 3; });
  EXPECT_THAT(ends, testing::Each(Failure::kCancelled));
  EXPECT_EQ(bed.client->in_flight(), 0u);
}

TEST(Client, MaySendFromInsideOnBody) {
  Server server(always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  Bed bed;
  const Url url = *parse_url(server.url());
  int ended = 0;
  const auto count = [&](Response&& response) { ended += response.status == 200; };
  bed.client->send({.url = &url,
                    .on_body =
                        [&](std::string_view) {
                          bed.client->send({.url = &url}, count);
                          return true;
                        }},
                   count);
  bed.run([&] { return ended == 2; });
}

TEST(Client, IsDestroyedWithRequestsInFlight) {
  Server server([](Peer& peer) { peer.drain(); });
  Bed bed;
  const Url url = *parse_url(server.url());
  for (int i = 0; i < 20; ++i) {
    bed.client->send({.url = &url}, [](Response&&) { ADD_FAILURE() << "told"; });
  }
  for (int i = 0; i < 3; ++i) bed.loop.poll().wait();
  bed.client->send({.url = &url}, [](Response&&) { ADD_FAILURE() << "told"; });
  bed.client.reset();
  bool ran = false;
  bed.loop.after(std::chrono::milliseconds(20), [&] { ran = true; });
  bed.run([&] { return ran; });
}

TEST(Client, MayBeDestroyedFromInsideDone) {
  Server server(always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  Bed bed;
  const Url url = *parse_url(server.url());
  int told = 0;
  for (int i = 0; i < 10; ++i) {
    bed.client->send({.url = &url}, [&](Response&&) {
      ++told;
      bed.client.reset();
    });
  }
  bed.run([&] { return !bed.client; });
  EXPECT_EQ(told, 1);
}

TEST(Client, OthersOfTheLoopHaveTheirTurn) {
  // Requests that end at once, each sending the next one.
  Bed bed(ClientOptions{});
  const Url url = *parse_url("http://127.0.0.1:1/");
  int refused = 0;
  bool stop = false;
  std::function<void()> again = [&] {
    bed.client->send({.url = &url}, [&](Response&& response) {
      refused += response.failure == Failure::kGuard;
      if (!stop) again();
    });
  };
  again();
  bed.loop.after(std::chrono::milliseconds(5), [&] { stop = true; });
  bed.run([&] { return stop && bed.client->in_flight() == 0; });
  EXPECT_GT(refused, 1);
}

}  // namespace
}  // namespace http

// Conversations that do not go well: upstreams that fail, patience that ends, bounds.
#include <gtest/gtest.h>

#include <atomic>

#include "proxy/conversation_bed.h"

namespace proxy {
namespace {

using conversation_bed::Bed;
using conversation_bed::body_of;
using conversation_bed::echo;
using conversation_bed::get;
using conversation_bed::has;
using conversation_bed::ok;
using conversation_bed::one_way;
using conversation_bed::OneWay;
using conversation_bed::post;
using conversation_bed::Told;
using loopback_bed::always;
using loopback_bed::Peer;
using loopback_bed::Server;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ProxyConversationEnd, FailuresOfAnUpstreamAreProblems) {
  Told answer;
  Server server([&](Peer& peer) {
    if (!peer.request().empty()) peer.send(answer.text());
  });
  Bed bed(one_way(server.url("")));
  for (const char* bad :
       {"", "HTTP/1.1 200 OK\r\n", "nonsense\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    answer = bad;
    EXPECT_TRUE(bed.ask(get("/")).starts_with("HTTP/1.1 502 ")) << bad;
    EXPECT_FALSE(bed.talk->closing()) << bad;
  }
  for (const char* cut :
       {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx\r\n"}) {
    answer = cut;
    const std::string got = bed.ask(get("/"));
    EXPECT_TRUE(has(got, "abc")) << cut;
    EXPECT_FALSE(has(got, "\r\n0\r\n")) << cut;
    EXPECT_TRUE(bed.talk->closing()) << cut;
    bed.connect();
  }
  EXPECT_EQ(bed.upstreams->open(), 0u);
}

TEST(ProxyConversationEnd, AnUpstreamThatIsNotThere) {
  uint16_t port = 0;
  { port = Server(echo).port(); }
  Bed bed(one_way("http://127.0.0.1:" + std::to_string(port)));
  EXPECT_TRUE(bed.ask(get("/")).starts_with("HTTP/1.1 502 "));
  Bed unnamed(one_way("http://no-such-name.invalid:80"));
  EXPECT_TRUE(unnamed.ask(get("/")).starts_with("HTTP/1.1 502 "));
}

TEST(ProxyConversationEnd, AnUpstreamIsFoundByItsName) {
  Server server(always(ok("hello")));
  Bed bed(one_way("http://localhost:" + std::to_string(server.port())));
  EXPECT_EQ(body_of(bed.ask(get("/"))), "hello");
}

TEST(ProxyConversationEnd, AnUpstreamThatSaysNothingIsNotWaitedForForever) {
  Server server([](Peer& peer) {
    const std::string request = peer.request();
    if (has(request, "/half")) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    peer.drain();
  });
  OneWay options = one_way(server.url(""));
  options.way.timeout = milliseconds(200);
  Bed bed(options);
  EXPECT_TRUE(bed.ask(get("/")).starts_with("HTTP/1.1 504 "));
  EXPECT_FALSE(bed.talk->closing());
  EXPECT_TRUE(has(bed.ask(get("/half")), "abc"));
  EXPECT_TRUE(bed.talk->closing());
}

TEST(ProxyConversationEnd, AKeptConnectionThatEndedIsReplacedOnce) {
  std::atomic<int> asked = 0;
  Server server([&](Peer& peer) {
    while (true) {
      const std::string request = peer.request();
      if (request.empty()) return;
      ++asked;
      if (has(request, "/vanish") && asked != 3) return;  // With a request on its way.
      peer.send(ok("hello"));
    }
  });
  Bed bed(one_way(server.url("")));
  EXPECT_EQ(body_of(bed.ask(get("/"))), "hello");
  EXPECT_EQ(body_of(bed.ask(get("/vanish"))), "hello");
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(server.connections(), 2);
  const std::string posted =
      bed.ask("POST /vanish HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(posted.starts_with("HTTP/1.1 502 ")) << posted;
  EXPECT_EQ(asked, 4);
}

TEST(ProxyConversationEnd, AConnectionIsNotKeptWhenItsEndIsInDoubt) {
  Told answer(ok("hello") + "more than was asked for");
  Server server([&](Peer& peer) {
    while (!peer.request().empty()) peer.send(answer.text());
  });
  Bed bed(one_way(server.url("")));
  EXPECT_EQ(body_of(bed.ask(get("/"))), "hello");
  EXPECT_EQ(bed.upstreams->open(), 0u);
  answer = ok("hello", "Connection: close\r\n");
  EXPECT_FALSE(has(bed.ask(get("/")), "Connection: close"));
  EXPECT_EQ(bed.upstreams->open(), 0u);
  answer = ok("hello");
  bed.ask(get("/"));
  EXPECT_EQ(bed.upstreams->idle(), 1u);
}

TEST(ProxyConversationEnd, AnAnswerBeforeTheBodyHasComeEndsTheConnection) {
  Server server([](Peer& peer) {
    char bytes[1000];
    if (::recv(peer.fd(), bytes, sizeof bytes, 0) > 0) peer.send(ok("no, thank you"));
  });
  Bed bed(one_way(server.url("")));
  const std::string answer =
      bed.ask(post("Content-Length: 8000000\r\n", std::string(100'000, 'x')));
  EXPECT_EQ(body_of(answer), "no, thank you");
  EXPECT_TRUE(has(answer, "Connection: close\r\n"));
  EXPECT_TRUE(bed.talk->closing());
}

TEST(ProxyConversationEnd, PatienceEnds) {
  Bed bed(one_way("http://127.0.0.1:1"));
  const auto wait = [&](base::Duration by) {
    bed.clock.at += by;
    if (bed.clock.at >= bed.talk->deadline()) {
      bed.talk->expire();
      bed.pump();
    }
  };
  bed.feed("GET / HTTP/1.1\r\nHo");
  for (int i = 0; i < 29; ++i) {  // A byte a second does not help.
    wait(seconds(1));
    bed.feed("o");
  }
  EXPECT_EQ(bed.got, "");
  wait(seconds(1));
  EXPECT_TRUE(bed.got.starts_with("HTTP/1.1 408 ")) << bed.got;
  EXPECT_TRUE(bed.talk->closing());

  bed.connect();
  wait(seconds(299));
  EXPECT_FALSE(bed.talk->closing());
  wait(seconds(1));
  EXPECT_TRUE(bed.talk->closing());
  EXPECT_EQ(bed.got, "");

  bed.serve = [](const std::shared_ptr<Exchange>& exchange) {
    exchange->read_body(100, [](std::string_view) {});
  };
  bed.connect();
  bed.feed(post("Content-Length: 50\r\n", "a"));
  wait(seconds(29));
  bed.feed("b");
  wait(seconds(29));
  EXPECT_FALSE(bed.talk->closing());
  wait(seconds(1));
  EXPECT_TRUE(bed.got.starts_with("HTTP/1.1 408 ")) << bed.got;
  EXPECT_TRUE(bed.talk->closing());
}

TEST(ProxyConversationEnd, HeadersAreBounded) {
  Bed bed(one_way("http://127.0.0.1:1"));
  EXPECT_TRUE(
      bed.ask(get("/", "X: " + std::string(17'000, 'x') + "\r\n")).starts_with("HTTP/1.1 431 "));
  bed.connect();
  EXPECT_TRUE(bed.ask("GET /" + std::string(17'000, 'x')).starts_with("HTTP/1.1 431 "));
  bed.connect();
  std::string many;
  for (int i = 0; i < 300; ++i) many += "X: y\r\n";
  EXPECT_TRUE(bed.ask(get("/", many)).starts_with("HTTP/1.1 431 "));
  EXPECT_EQ(bed.requests, 0);
}

TEST(ProxyConversationEnd, TheLastAnswerIsTheLastOne) {
  Server server(echo);
  Bed bed(one_way(server.url("")));
  bed.talk->last_answer();
  EXPECT_TRUE(bed.talk->closing());
  bed.connect();
  bed.feed(get("/") + get("/"));
  bed.talk->last_answer();
  ASSERT_TRUE(bed.settle());
  EXPECT_TRUE(has(bed.got, "Connection: close\r\n"));
  EXPECT_TRUE(bed.talk->closing());
  EXPECT_EQ(bed.requests, 1);
}

TEST(ProxyConversationEnd, WhatIsCountedIsWhatWasSent) {
  Told answer(ok("a"));
  Server server([&](Peer& peer) {
    while (!peer.request().empty()) peer.send(answer.text());
  });
  Bed bed(one_way(server.url("")));
  bed.ask(get("/"));
  bed.ask(get("/"));
  answer = "nonsense\r\n\r\n";
  bed.ask(get("/"));
  bed.ask("nonsense\r\n\r\n");
  metric::Families families;
  bed.traffic.collect(families);
  const std::string text = families.text();
  for (const char* line : {"ratelimmq_gateway_requests_total{code_class=\"2xx\"} 2\n",
                           "ratelimmq_gateway_requests_total{code_class=\"4xx\"} 1\n",
                           "ratelimmq_gateway_requests_total{code_class=\"5xx\"} 1\n",
                           "ratelimmq_gateway_upstream_failures_total{reason=\"broken\"} 1\n",
                           "ratelimmq_gateway_upstream_reuses_total 2\n",
                           "ratelimmq_gateway_upstream_first_byte_seconds_count 3\n",
                           "ratelimmq_gateway_upstream_connections 0\n"}) {
    EXPECT_TRUE(has(text, line)) << line << text;
  }
}

}  // namespace
}  // namespace proxy

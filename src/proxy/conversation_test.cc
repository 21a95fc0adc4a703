#include "proxy/conversation.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "proxy/conversation_bed.h"

namespace proxy {
namespace {

using conversation_bed::Bed;
using conversation_bed::body_of;
using conversation_bed::chunk;
using conversation_bed::echo;
using conversation_bed::get;
using conversation_bed::has;
using conversation_bed::ok;
using conversation_bed::one_way;
using conversation_bed::OneWay;
using conversation_bed::post;
using conversation_bed::said;
using conversation_bed::Told;
using conversation_bed::whole_request;
using loopback_bed::Peer;
using loopback_bed::Server;
using std::chrono::milliseconds;

TEST(ProxyConversation, ARequestIsPassedAndItsAnswerComesBack) {
  Server server(echo);
  Bed bed(one_way(server.url("")));
  const std::string answer =
      bed.ask(get("/a?b=c",
                  "X-Request-Id: one\r\nAccept: */*\r\nConnection: keep-alive, x-Hop\r\n"
                  "X-Hop: 1\r\nTE: trailers\r\nUpgrade: websocket\r\nX-Forwarded-For: 6.6.6.6\r\n"
                  "x_forwarded_for: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n"));
  EXPECT_EQ(body_of(answer),
            "GET /a?b=c HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nX-Forwarded-For: 192.0.2.9\r\n"
            "X-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\nX-Real-IP: 192.0.2.9\r\n"
            "X-Request-Id: one\r\n\r\n");
  EXPECT_TRUE(
      answer.starts_with("HTTP/1.1 200 OK\r\nDate: x\r\nX-Request-Id: one\r\n"
                         "Content-Length: "))
      << answer;
  EXPECT_FALSE(bed.talk->closing());
}

TEST(ProxyConversation, ATrustedProxysWordIsKeptAndAddedTo) {
  Server server(echo);
  OneWay options = one_way(server.url(""));
  options.trusted_proxies = {"192.0.2.0/24"};
  Bed bed(options);
  const std::string seen = body_of(bed.ask(
      get("/",
          "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 2.2.2.2\r\n"
          "Connection: x-forwarded-for\r\nX_Real_IP: 6.6.6.6\r\nForwarded: for=1.1.1.1\r\n"
          "X-Forwarded-Prefix: /a\r\n")));
  EXPECT_TRUE(has(seen, "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 192.0.2.9\r\n")) << seen;
  EXPECT_TRUE(has(seen, "X-Forwarded-Proto: https\r\n"));
  EXPECT_FALSE(has(seen, "X-Forwarded-Proto: http\r\n"));
  EXPECT_TRUE(has(seen, "Forwarded: for=1.1.1.1, for=192.0.2.9;host=\"h\";proto=http\r\n"));
  EXPECT_TRUE(has(seen, "X-Forwarded-Prefix: /a\r\n"));
  EXPECT_FALSE(has(seen, "6.6.6.6"));
  EXPECT_FALSE(has(body_of(bed.ask(get("/", "Forwarded: for=[::1]\r\n"))), "\nForwarded"));
}

TEST(ProxyConversation, PipelinedRequestsAreAnsweredInOrderOverOneConnection) {
  Server server(echo);
  Bed bed(one_way(server.url("")));
  std::string all;
  for (int i = 0; i < 50; ++i) all += get("/n" + std::to_string(i));
  bed.feed(all);
  ASSERT_TRUE(bed.run([&] { return has(bed.got, "GET /n49 ") && !bed.talk->waiting(); }));
  size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = bed.got.find("GET /n" + std::to_string(i) + " ", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(bed.upstreams->idle(), 1u);
}

TEST(ProxyConversation, EveryCutOfARequestGivesTheSameAnswer) {
  Server server(echo);
  Bed bed(one_way(server.url("")));
  const std::string request = post("X-Request-Id: 1\r\nContent-Length: 5\r\n", "hello") +
                              post("X-Request-Id: 2\r\nTransfer-Encoding: chunked\r\n",
                                   "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n") +
                              get("/last", "X-Request-Id: 3\r\n");
  for (size_t cut = 1; cut <= request.size(); ++cut) {
    bed.connect();
    bed.feed(request.substr(0, cut));
    bed.run([&] { return bed.talk->deadline() != base::Time::max(); });
    bed.feed(request.substr(cut));
    ASSERT_TRUE(bed.run([&] { return has(bed.got, "GET /last "); })) << cut << bed.got;
    ASSERT_TRUE(has(bed.got, "X-Request-Id: 1\r\nContent-Length: 5\r\n\r\nhello")) << bed.got;
    ASSERT_FALSE(has(bed.got, "T: v"));
  }
}

TEST(ProxyConversation, AnAnswersFramingIsTheClients) {
  Told answer;
  Server server([&](Peer& peer) {
    if (peer.request().empty()) return;
    peer.send(answer.text());
  });
  Bed bed(one_way(server.url("")));
  answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nKeep-Alive: 5\r\n\r\nto the end";
  EXPECT_TRUE(
      has(bed.ask(get("/")), "Transfer-Encoding: chunked\r\n\r\na\r\nto the end\r\n0\r\n\r\n"));
  EXPECT_FALSE(bed.talk->closing());
  const std::string old = bed.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(old.ends_with("Connection: close\r\n\r\nto the end")) << old;
  EXPECT_TRUE(bed.talk->closing());
  bed.connect();
  answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: v\r\n\r\n";
  EXPECT_TRUE(has(bed.ask(get("/")), "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
  answer = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n";
  const std::string head = bed.ask("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(has(head, "Content-Length: 8\r\n"));
  EXPECT_EQ(body_of(head), "");
  answer = "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n";
  EXPECT_FALSE(has(bed.ask(get("/")), "Content-Length"));
  answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + ok("real");
  const std::string real = bed.ask(get("/"));
  EXPECT_EQ(body_of(real), "real");
  EXPECT_FALSE(has(real, "Link"));
}

TEST(ProxyConversation, BodiesOfAnySizeStreamInBoundedMemory) {
  constexpr size_t kSize = size_t{8} << 20;
  std::atomic<size_t> uploaded = 0;
  Server server([&](Peer& peer) {
    const std::string first = peer.request();  // With its Content-Length: the whole of it.
    uploaded = first.size();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string piece(100'000, 'x');
    for (size_t sent = 0; sent < kSize; sent += piece.size()) {
      if (!peer.send(chunk(piece))) return;
    }
    peer.send("0\r\n\r\n");
  });
  Bed bed(one_way(server.url("")));
  bed.feed(post("Content-Length: " + std::to_string(kSize) + "\r\n", ""));
  size_t fed = 0, most_rest = 0;
  while (fed < kSize) {
    if (bed.rest.size() < 100'000) {
      bed.feed(std::string(65536, 'y'));
      fed += 65536;
    } else {
      ASSERT_TRUE(bed.run([&] { return bed.rest.size() < 100'000; }));
    }
    most_rest = std::max(most_rest, bed.rest.size());
  }
  ASSERT_TRUE(bed.settle());
  EXPECT_GE(uploaded, kSize);
  EXPECT_GE(bed.got.size(), kSize);
  EXPECT_TRUE(bed.got.ends_with("0\r\n\r\n"));
  EXPECT_LE(bed.most_out, size_t{256} << 10);
}

TEST(ProxyConversation, AClientThatDoesNotReadStopsTheUpstream) {
  constexpr size_t kSize = size_t{32} << 20;
  std::atomic<size_t> sent = 0;
  Server server([&](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
    const std::string piece(65536, 'x');
    while (sent < kSize && peer.send(piece)) sent += piece.size();
  });
  Bed bed(one_way(server.url("")));
  bed.taking = false;
  bed.feed(get("/"));
  ASSERT_TRUE(bed.run([&] { return bed.talk->more(); }));
  for (int i = 0; i < 20; ++i) bed.loop.poll().wait();
  EXPECT_LE(bed.talk->out().size(), size_t{192} << 10);
  EXPECT_LT(sent, kSize);
  bed.taking = true;
  bed.got += std::exchange(bed.talk->out(), {});
  bed.pump();
  ASSERT_TRUE(bed.settle());
  EXPECT_EQ(body_of(bed.got).size(), kSize);
}

TEST(ProxyConversation, AnUpstreamThatDoesNotReadStopsTheClient) {
  constexpr size_t kSize = size_t{32} << 20;  // More than the kernel's buffers.
  std::atomic<bool> go = false;
  Server server([&](Peer& peer) {
    while (!go) std::this_thread::sleep_for(milliseconds(1));
    peer.request();  // The whole of it.
    peer.send(ok("done"));
  });
  OneWay options = one_way(server.url(""));
  options.way.request_bytes_max = kSize;
  Bed bed(options);
  bed.feed(post("Content-Length: " + std::to_string(kSize) + "\r\n", ""));
  ASSERT_TRUE(bed.run([&] { return bed.upstreams->open() == 1; }));
  const std::string piece(65536, 'x');
  size_t fed = 0;
  const auto feed_some = [&] {
    while (fed < kSize && bed.rest.empty()) {
      bed.feed(piece);
      fed += piece.size();
    }
    return fed == kSize;
  };
  for (int i = 0; i < 40; ++i) {
    EXPECT_FALSE(feed_some());
    bed.loop.poll().wait();
  }
  EXPECT_FALSE(bed.rest.empty());
  EXPECT_TRUE(bed.talk->waiting());
  EXPECT_EQ(bed.talk->deadline(), base::Time::max());  // It is not the client that is slow.
  go = true;
  ASSERT_TRUE(bed.run(feed_some));
  ASSERT_TRUE(bed.settle());
  EXPECT_EQ(body_of(bed.got), "done");
}

TEST(ProxyConversation, BodiesOverTheRoutesBoundAreRefused) {
  std::atomic<bool> whole = false;
  Server server([&](Peer& peer) {
    while (whole_request(peer)) whole = true;
  });
  OneWay options = one_way(server.url(""));
  options.way.request_bytes_max = 10;
  Bed bed(options);
  EXPECT_TRUE(bed.ask(post("Content-Length: 11\r\n", "")).starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(bed.talk->closing());
  bed.connect();
  EXPECT_TRUE(bed.ask(post("Transfer-Encoding: chunked\r\n", "6\r\nabcdef\r\n6\r\nabcdef\r\n"))
                  .starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(bed.talk->closing());
  EXPECT_FALSE(whole);
}

TEST(ProxyConversation, AnAnswerOverTheRoutesBoundIsNone) {
  Told answer(ok("12345678901"));
  Server server([&](Peer& peer) {
    if (!peer.request().empty()) peer.send(answer.text());
  });
  OneWay options = one_way(server.url(""));
  options.way.response_bytes_max = 10;
  Bed bed(options);
  EXPECT_TRUE(bed.ask(get("/")).starts_with("HTTP/1.1 502 "));
  EXPECT_FALSE(bed.talk->closing());
  answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("123456") +
           chunk("123456") + "0\r\n\r\n";
  const std::string cut = bed.ask(get("/"));
  EXPECT_TRUE(has(cut, "123456"));
  EXPECT_FALSE(has(cut, "0\r\n\r\n"));
  EXPECT_TRUE(bed.talk->closing());
}

TEST(ProxyConversation, AnAnswerOfOurOwnLeavesTheBodyUnread) {
  Bed bed(one_way("http://127.0.0.1:1"));
  bed.serve = [](const std::shared_ptr<Exchange>& exchange) {
    exchange->answer(said("slow down", 429));
  };
  EXPECT_EQ(body_of(bed.ask(post("Content-Length: 5\r\n", "hello"))), "slow down");
  EXPECT_EQ(body_of(bed.ask(post("Content-Length: 5\r\n", "he"))), "slow down");
  EXPECT_EQ(bed.requests, 2);
  EXPECT_EQ(body_of(bed.ask("llo" + get("/"))), "slow down");
  EXPECT_EQ(bed.requests, 3);
  EXPECT_FALSE(bed.talk->closing());
  const std::string large = bed.ask(post("Content-Length: 1000000\r\n", ""));
  EXPECT_TRUE(has(large, "Connection: close\r\n"));
  EXPECT_TRUE(bed.talk->closing());
  bed.connect();
  bed.ask(post("Transfer-Encoding: chunked\r\n", ""));
  EXPECT_TRUE(bed.talk->closing());
  bed.connect();
  EXPECT_FALSE(has(bed.ask(post("Content-Length: 5\r\nExpect: 100-continue\r\n", "")), "100 Con"));
  EXPECT_TRUE(bed.talk->closing());
}

TEST(ProxyConversation, WhoeverWaitsToBeToldToGoOnIsTold) {
  Server server(echo);
  Bed bed(one_way(server.url("")));
  bed.feed(post("Content-Length: 5\r\nExpect: 100-continue\r\n", ""));
  EXPECT_EQ(std::exchange(bed.got, {}), "HTTP/1.1 100 Continue\r\n\r\n");
  const std::string seen = bed.ask("hello");
  EXPECT_TRUE(seen.ends_with("\r\n\r\nhello"));
  EXPECT_FALSE(has(seen, "Expect"));
}

TEST(ProxyConversation, ABodyIsReadWholeForWhoeverAsks) {
  Bed bed(one_way("http://127.0.0.1:1"));
  std::shared_ptr<Exchange> held;
  bed.serve = [&](const std::shared_ptr<Exchange>& exchange) {
    exchange->read_body(8, [exchange](std::string_view body) {
      exchange->answer(said("<" + std::string(body) + ">"));
    });
  };
  EXPECT_EQ(body_of(bed.ask(post("Content-Length: 5\r\n", "hello"))), "<hello>");
  EXPECT_EQ(body_of(bed.ask(get("/"))), "<>");
  EXPECT_EQ(body_of(bed.ask(post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"))),
            "<abc>");
  EXPECT_TRUE(bed.ask(post("Transfer-Encoding: chunked\r\n", "9\r\nabcdefghi\r\n0\r\n\r\n"))
                  .starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(bed.talk->closing());
  bed.connect();
  EXPECT_TRUE(bed.ask(post("Content-Length: 9\r\n", "")).starts_with("HTTP/1.1 413 "));
  bed.connect();
  bed.serve = [&](const std::shared_ptr<Exchange>& exchange) { held = exchange; };
  bed.feed(post("Content-Length: 5\r\n", "hello") + get("/next"));
  EXPECT_EQ(bed.got, "");
  EXPECT_EQ(held->head().path, "/p");
  held->read_body(8, [&](std::string_view body) { held->answer(said(body)); });
  EXPECT_EQ(body_of(bed.got), "hello");
  EXPECT_EQ(held->head().path, "/next");
}

TEST(ProxyConversation, AnAnswerThatComesTooLateGoesNowhere) {
  Server server(echo);
  Bed bed(one_way(server.url("")));
  std::shared_ptr<Exchange> held;
  bed.serve = [&](const std::shared_ptr<Exchange>& exchange) { held = exchange; };
  bed.feed(get("/"));
  bed.connect();
  EXPECT_TRUE(held->gone());
  held->answer({});
  held->pass(bed.options.way, "", {});
  bed.feed(get("/again"));
  held->answer(said("{}"));
  held->answer(said("{}"));
  EXPECT_EQ(body_of(bed.got), "{}");
}

TEST(ProxyConversation, AClientThatLeavesTakesItsRequestAlong) {
  std::atomic<bool> left = false;
  Server server([&](Peer& peer) {
    peer.request();
    peer.drain();
    left = true;
  });
  Bed bed(one_way(server.url("")));
  bed.feed(get("/"));
  ASSERT_TRUE(bed.run([&] { return server.connections() == 1; }));
  bed.connect();
  EXPECT_EQ(bed.upstreams->open(), 0u);
  EXPECT_TRUE(bed.run([&] { return left.load(); }));
  bed.feed(post("Content-Length: 5\r\n", "he"));
  bed.talk->hang_up();
  EXPECT_TRUE(bed.talk->closing());
  EXPECT_LE(bed.talk->deadline(), bed.clock.now());
  EXPECT_EQ(bed.got, "");
}

}  // namespace
}  // namespace proxy

// What a server may do to a client: too much, too slowly, too little, or nothing that is HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "http/loopback_bed.h"

namespace http {
namespace {

using loopback_bed::always;
using loopback_bed::Bed;
using loopback_bed::gzip_of_zeros;
using loopback_bed::Peer;
using loopback_bed::Server;
using std::chrono::milliseconds;

std::string gzipped(const std::string& bytes, const std::string& coding = "gzip") {
  return "HTTP/1.1 200 OK\r\nContent-Encoding: " + coding +
         "\r\nContent-Length: " + std::to_string(bytes.size()) + "\r\n\r\n" + bytes;
}

long resident_kib_max() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// Sends `begin`, then `again` until the client has had enough.
Server::Script endless(std::string begin, std::string again) {
  return [=](Peer& peer) {
    peer.request();
    peer.send(begin);
    while (peer.send(again)) {
    }
  };
}

TEST(ClientBounds, ABombIsStoppedAtItsBoundAndCostsNoMemory) {
  Server server(always(gzipped(gzip_of_zeros(uint64_t{1} << 30))));
  Bed bed;
  const long before = resident_kib_max();
  const Response answer = bed.fetch(server.url(), {.body_bytes_max = 1 << 20, .kept_bytes = 100});
  EXPECT_EQ(answer.failure, Failure::kTooLarge) << answer.error;
  EXPECT_EQ(answer.body.size(), 100u);
  EXPECT_EQ(answer.status, 200);
#ifndef RATELIMMQ_SANITIZED
  EXPECT_LT(resident_kib_max() - before, 8 * 1024);
#else
  (void)before;
#endif
}

TEST(ClientBounds, OnBodyNeverGetsMoreThanTheBound) {
  Server server(endless("HTTP/1.1 200 OK\r\n\r\n", std::string(1000, 'x')));
  Bed bed;
  size_t got = 0;
  const Response answer =
      bed.fetch(server.url(), {.body_bytes_max = 100'000, .on_body = [&](std::string_view bytes) {
                                 got += bytes.size();
                                 return true;
                               }});
  EXPECT_EQ(answer.failure, Failure::kTooLarge);
  EXPECT_LE(got, 100'000u);
}

TEST(ClientBounds, OneCodingThatWasAskedForIsUndone) {
  // "hello hello hello hello\n" by gzip -n.
  const std::string small(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9"
      "\x00\x00\x88\x59\x0b\x18\x00\x00\x00",
      29);
  Server server(always(gzipped(small)));
  Bed bed;
  const Response plain = bed.fetch(server.url(), {.kept_bytes = 1000});
  EXPECT_EQ(plain.body, "hello hello hello hello\n") << plain.error;
  const Response raw = bed.fetch(server.url(), {.decompress = false, .kept_bytes = 1000});
  EXPECT_EQ(raw.body, small) << raw.error;
}

TEST(ClientBounds, OtherCodingsAndTwoOfThemAreRefused) {
  for (const std::string coding : {"zstd", "deflate", "gzip, gzip", "x-unknown"}) {
    Server server(always(gzipped(gzip_of_zeros(1000), coding)));
    Bed bed;
    EXPECT_EQ(bed.fetch(server.url()).failure, Failure::kBroken) << coding;
  }
  Server twice(
      always("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip\r\n"
             "Content-Length: 1\r\n\r\nx"));
  Server transfer(always("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"));
  Bed bed;
  EXPECT_EQ(bed.fetch(twice.url()).failure, Failure::kBroken);
  EXPECT_EQ(bed.fetch(transfer.url()).failure, Failure::kBroken);
}

TEST(ClientBounds, EndlessHeadersAreStopped) {
  Server many(endless("HTTP/1.1 200 OK\r\n", "X-Name: value\r\n"));
  Server one_line(endless("HTTP/1.1 200 OK\r\nX-Name: ", "value"));
  Server interim(endless("", "HTTP/1.1 103 Early Hints\r\n\r\n"));
  Bed bed;
  for (const Server* server : {&many, &one_line, &interim}) {
    const Response answer = bed.fetch(server->url());
    EXPECT_EQ(answer.failure, Failure::kTooLarge) << answer.error;
  }
}

TEST(ClientBounds, EndlessTrailersAreStopped) {
  Server server(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"));
  Bed bed;
  EXPECT_EQ(bed.fetch(server.url()).failure, Failure::kTooLarge);
}

TEST(ClientBounds, TheDeadlineCoversEveryPart) {
  const auto drip = [](std::string before) {
    return [before](Peer& peer) {
      peer.request();
      peer.send(before);
      while (peer.send("x")) std::this_thread::sleep_for(milliseconds(20));
    };
  };
  Server silent([](Peer& peer) { peer.drain(); });
  Server header(drip("HTTP/1.1 200 OK\r\nX: "));
  Server body(drip("HTTP/1.1 200 OK\r\n\r\n"));
  Bed bed;
  for (const Server* server : {&silent, &header, &body}) {
    const Response answer = bed.fetch(server->url(), {.timeout = milliseconds(200)});
    EXPECT_EQ(answer.failure, Failure::kTimeout) << answer.error;
    EXPECT_GE(answer.phases.total, milliseconds(199));
    EXPECT_LE(answer.phases.total, milliseconds(10000));
  }
}

TEST(ClientBounds, TheDeadlineCoversAllHopsTogether) {
  std::string location;
  Server server([&](Peer& peer) {
    while (!peer.request().empty()) {
      std::this_thread::sleep_for(milliseconds(60));
      peer.send("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n");
    }
  });
  Bed bed;
  const Response answer =
      bed.fetch(server.url(), {.timeout = milliseconds(200), .redirects_max = 1000});
  EXPECT_EQ(answer.failure, Failure::kTimeout) << answer.error;
  EXPECT_LE(answer.phases.total, milliseconds(10000));
}

TEST(ClientBounds, ABodyWithoutItsEndIsBroken) {
  Server cut([](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
  });
  Server chunks([](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  });
  Server reset([](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
    std::this_thread::sleep_for(milliseconds(20));
    peer.reset();
  });
  Bed bed;
  for (const Server* server : {&cut, &chunks, &reset}) {
    const Response answer = bed.fetch(server->url(), {.kept_bytes = 10});
    EXPECT_EQ(answer.failure, Failure::kBroken) << answer.error;
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "abc");
  }
}

TEST(ClientBounds, WhatIsNoHttpIsBroken) {
  for (const std::string bytes :
       {"SSH-2.0-OpenSSH_9.2\r\n", "", "HTTP/1.1\r\n\r\n", "HTTP/1.1 2xx OK\r\n\r\n", "<html>"}) {
    Server server([&](Peer& peer) {
      peer.request();
      peer.send(bytes);
    });
    Bed bed;
    const Response answer = bed.fetch(server.url());
    EXPECT_EQ(answer.failure, Failure::kBroken) << bytes << ": " << answer.error;
    EXPECT_EQ(answer.status, 0) << bytes;
  }
}

}  // namespace
}  // namespace http

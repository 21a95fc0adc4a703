#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "http/tls_bed.h"

namespace http {
namespace {

using loopback_bed::always;
using loopback_bed::Bed;
using loopback_bed::open_to_loopback;
using loopback_bed::Peer;
using testing::HasSubstr;
using tls_bed::Certificate;
using tls_bed::TlsServer;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class ClientTls : public testing::Test {
 protected:
  static Bed trusting(const Certificate& certificate, std::vector<std::string> resolve = {}) {
    ClientOptions options = open_to_loopback();
    options.ca_file = certificate.file;
    options.resolve = std::move(resolve);
    return Bed(std::move(options));
  }
};

TEST_F(ClientTls, ATrustedCertificateIsTakenAndItsConnectionUsedAgain) {
  const Certificate certificate;
  TlsServer server(certificate, always(kOk));
  Bed bed = trusting(certificate);
  const Response first = bed.fetch(server.url());
  EXPECT_EQ(first.status, 200) << first.error;
  EXPECT_GT(first.phases.tls, base::Duration::zero());
  const Response second = bed.fetch(server.url());
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.phases.tls, base::Duration::zero());
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(ClientTls, ACertificateThatNobodyTrustsIsRefused) {
  const Certificate certificate, other;
  TlsServer server(certificate, always(kOk));
  Bed bed = trusting(other);
  const Response answer = bed.fetch(server.url());
  EXPECT_EQ(answer.failure, Failure::kTls) << answer.error;
  EXPECT_EQ(answer.status, 0);
}

TEST_F(ClientTls, ACertificateOfAnotherNameIsRefused) {
  const Certificate certificate({.names = "DNS:other.test"});
  TlsServer server(certificate, always(kOk));
  Bed bed = trusting(certificate);
  EXPECT_EQ(bed.fetch(server.url()).failure, Failure::kTls);
}

TEST_F(ClientTls, AnExpiredCertificateIsRefused) {
  const Certificate certificate({.from_days = -3, .to_days = -1});
  TlsServer server(certificate, always(kOk));
  Bed bed = trusting(certificate);
  const Response answer = bed.fetch(server.url());
  EXPECT_EQ(answer.failure, Failure::kTls);
  EXPECT_THAT(answer.error, HasSubstr("expired"));
}

TEST_F(ClientTls, WhatSpeaksNoTlsIsATlsFailure) {
  loopback_bed::Server server([](Peer& peer) {
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.drain();
  });
  Bed bed;
  const Response answer = bed.fetch("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  EXPECT_EQ(answer.failure, Failure::kTls) << answer.error;
}

TEST_F(ClientTls, ARedirectFromHttpsToHttpIsAFailureAndNothingIsSent) {
  loopback_bed::Server plain(always(kOk));
  const Certificate certificate;
  TlsServer server(certificate, always("HTTP/1.1 302 Found\r\nLocation: " + plain.url() +
                                       "\r\nContent-Length: 0\r\n\r\n"));
  Bed bed = trusting(certificate);
  const Response answer = bed.fetch(server.url(), {.redirects_max = 5});
  EXPECT_EQ(answer.failure, Failure::kRedirect) << answer.error;
  EXPECT_EQ(plain.connections(), 0);
}

TEST_F(ClientTls, AConnectionIsNotSharedByTwoNamesOfOneAddress) {
  const Certificate certificate;
  TlsServer server(certificate, always(kOk));
  const std::string port = std::to_string(server.port());
  Bed bed =
      trusting(certificate, {"a.test:" + port + ":127.0.0.1", "b.test:" + port + ":127.0.0.1"});
  EXPECT_EQ(bed.fetch(server.url("/", "a.test")).status, 200);
  EXPECT_EQ(bed.fetch(server.url("/", "b.test")).status, 200);
  EXPECT_EQ(server.connections(), 2);
}

}  // namespace
}  // namespace http

// Servers over TLS with certificates made on the spot. For tests.
#pragma once
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdlib.h>

#include <memory>
#include <string>

#include "http/loopback_bed.h"

namespace tls_bed {

template <typename T, void (*free)(T*)>
struct Freeing {
  void operator()(T* it) const { free(it); }
};
template <typename T, void (*free)(T*)>
using Owned = std::unique_ptr<T, Freeing<T, free>>;
using Key = Owned<EVP_PKEY, ::EVP_PKEY_free>;
using Paper = Owned<X509, ::X509_free>;

struct Terms {
  std::string names = "IP:127.0.0.1,DNS:a.test,DNS:b.test";
  long from_days = -1, to_days = 1;  // From now.
};

// Signed by itself; `file` holds it as PEM, for whoever is to trust it.
class Certificate {
 public:
  explicit Certificate(const Terms& terms = {})
      : key_(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")), paper_(::X509_new()) {
    constexpr long kDay = 24 * 60 * 60;
    X509* const x = paper_.get();
    ::X509_set_version(x, 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(x), 1);
    ::X509_gmtime_adj(::X509_getm_notBefore(x), terms.from_days * kDay);
    ::X509_gmtime_adj(::X509_getm_notAfter(x), terms.to_days * kDay);
    ::X509_set_pubkey(x, key_.get());
    X509_NAME* const name = ::X509_get_subject_name(x);
    const auto* const common = reinterpret_cast<const unsigned char*>("a test");
    ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
    ::X509_set_issuer_name(x, name);
    add(NID_basic_constraints, "critical,CA:TRUE");
    add(NID_subject_alt_name, terms.names.c_str());
    CHECK(::X509_sign(x, key_.get(), ::EVP_sha256()) > 0);
    write();
  }
  ~Certificate() { ::unlink(file.c_str()); }

  Owned<SSL_CTX, ::SSL_CTX_free> context() const {
    Owned<SSL_CTX, ::SSL_CTX_free> out(::SSL_CTX_new(::TLS_server_method()));
    CHECK(::SSL_CTX_use_certificate(out.get(), paper_.get()) == 1);
    CHECK(::SSL_CTX_use_PrivateKey(out.get(), key_.get()) == 1);
    return out;
  }

  std::string file = "/tmp/ratelimmq_certificate_XXXXXX";

 private:
  void add(int what, const char* value) {
    const Owned<X509_EXTENSION, ::X509_EXTENSION_free> extension(
        ::X509V3_EXT_conf_nid(nullptr, nullptr, what, value));
    CHECK(extension && ::X509_add_ext(paper_.get(), extension.get(), -1) == 1);
  }
  void write() {
    const int fd = ::mkstemp(file.data());
    CHECK(fd >= 0);
    FILE* const out = ::fdopen(fd, "w");
    CHECK(::PEM_write_X509(out, paper_.get()) == 1);
    std::fclose(out);
  }

  Key key_;
  Paper paper_;
};

class TlsPeer final : public loopback_bed::Peer {
 public:
  TlsPeer(int fd, SSL_CTX* context) : Peer(fd), tls_(::SSL_new(context)) {
    ::SSL_set_fd(tls_.get(), fd);
  }
  ~TlsPeer() override { ::SSL_shutdown(tls_.get()); }
  bool meet() { return ::SSL_accept(tls_.get()) == 1; }

 protected:
  ssize_t receive(char* bytes, size_t size) override {
    return ::SSL_read(tls_.get(), bytes, static_cast<int>(size));
  }
  ssize_t transmit(const char* bytes, size_t size) override {
    return ::SSL_write(tls_.get(), bytes, static_cast<int>(size));
  }

 private:
  Owned<SSL, ::SSL_free> tls_;
};

class TlsServer {
 public:
  TlsServer(const Certificate& certificate, loopback_bed::Server::Script script)
      : context_(certificate.context()),
        server_(std::move(script), "127.0.0.1",
                [this](int fd) -> std::unique_ptr<loopback_bed::Peer> {
                  auto peer = std::make_unique<TlsPeer>(fd, context_.get());
                  if (!peer->meet()) return nullptr;
                  return peer;
                }) {
    ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL.
  }

  std::string url(const std::string& path = "/", const std::string& host = "127.0.0.1") const {
    return "https://" + host + ":" + std::to_string(server_.port()) + path;
  }
  uint16_t port() const { return server_.port(); }
  int connections() const { return server_.connections(); }

 private:
  Owned<SSL_CTX, ::SSL_CTX_free> context_;
  loopback_bed::Server server_;
};

}  // namespace tls_bed

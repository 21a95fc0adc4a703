// Certificates that are made on the spot, in files. For tests.
#pragma once
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <string>

#include "base/check.h"
#include "redis/test_server.h"
#include "redis/tls.h"

namespace redis_bed {

// Signed by itself, so its file is also the one of whom to trust.
class TestCertificate {
 public:
  explicit TestCertificate(const std::string& names = "IP:127.0.0.1,DNS:redis.test")
      : key_(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")), paper_(::X509_new()) {
    X509* const x = paper_.get();
    ::X509_set_version(x, 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(x), 1);
    ::X509_gmtime_adj(::X509_getm_notBefore(x), -3600);
    ::X509_gmtime_adj(::X509_getm_notAfter(x), 3600);
    ::X509_set_pubkey(x, key_.get());
    X509_NAME* const name = ::X509_get_subject_name(x);
    const auto* const common = reinterpret_cast<const unsigned char*>("a test");
    ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
    ::X509_set_issuer_name(x, name);
    add(NID_basic_constraints, "critical,CA:TRUE");
    add(NID_subject_alt_name, names.c_str());
    CHECK(::X509_sign(x, key_.get(), ::EVP_sha256()) > 0);
    write();
  }

  std::string cert_file() const { return folder_.path() + "/cert.pem"; }
  std::string key_file() const { return folder_.path() + "/key.pem"; }

  // What a server is told to speak TLS with it, and to trust only it.
  Words arguments(const std::string& clients = "no") const {
    return {"--tls-cert-file",    cert_file(), "--tls-key-file",     key_file(),
            "--tls-ca-cert-file", cert_file(), "--tls-auth-clients", clients};
  }

 private:
  void add(int what, const char* value) {
    const std::unique_ptr<X509_EXTENSION, redis::Freed<X509_EXTENSION, ::X509_EXTENSION_free>>
        extension(::X509V3_EXT_conf_nid(nullptr, nullptr, what, value));
    CHECK(extension && ::X509_add_ext(paper_.get(), extension.get(), -1) == 1);
  }
  void write() {
    FILE* out = std::fopen(cert_file().c_str(), "w");
    CHECK(out != nullptr && ::PEM_write_X509(out, paper_.get()) == 1);
    std::fclose(out);
    out = std::fopen(key_file().c_str(), "w");
    CHECK(out != nullptr);
    CHECK(::PEM_write_PrivateKey(out, key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    std::fclose(out);
  }

  TempFolder folder_;
  std::unique_ptr<EVP_PKEY, redis::Freed<EVP_PKEY, ::EVP_PKEY_free>> key_;
  std::unique_ptr<X509, redis::Freed<X509, ::X509_free>> paper_;
};

}  // namespace redis_bed

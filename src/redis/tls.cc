#include "redis/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>

#include "base/check.h"
#include "io/ip.h"

namespace redis {
namespace {

base::Error failed(const std::string& what) {
  const char* const reason = ::ERR_reason_error_string(::ERR_peek_last_error());
  ::ERR_clear_error();
  return {base::Code::kIo, reason == nullptr ? what : what + ": " + reason, {}};
}

}  // namespace

base::Result<TlsTerms> TlsTerms::make(const Tls& options) {
  TlsTerms out;
  out.options_ = options;
  out.context_.reset(::SSL_CTX_new(::TLS_client_method()));
  SSL_CTX* const context = out.context_.get();
  CHECK(context != nullptr && ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
  ::SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  const bool trust = options.ca_file.empty() ? ::SSL_CTX_set_default_verify_paths(context) == 1
                                             : ::SSL_CTX_load_verify_locations(
                                                   context, options.ca_file.c_str(), nullptr) == 1;
  if (options.verify && !trust) return failed("tls: ca_file " + options.ca_file);
  if (options.cert_file.empty()) return out;
  if (::SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1) {
    return failed("tls: cert_file " + options.cert_file);
  }
  if (::SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      ::SSL_CTX_check_private_key(context) != 1) {
    return failed("tls: key_file " + options.key_file);
  }
  return out;
}

TlsSession::TlsSession(const TlsTerms& terms, const std::string& host)
    : ssl_(::SSL_new(terms.context_.get())),
      in_(::BIO_new(::BIO_s_mem())),
      out_(::BIO_new(::BIO_s_mem())) {
  CHECK(ssl_ && in_ != nullptr && out_ != nullptr);
  ::SSL_set_bio(ssl_.get(), in_, out_);
  ::SSL_set_connect_state(ssl_.get());
  const std::string& name = terms.options_.server_name.empty() ? host : terms.options_.server_name;
  X509_VERIFY_PARAM* const expected = ::SSL_get0_param(ssl_.get());
  if (io::Ip::parse(name)) {
    CHECK(::X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str()) == 1);
  } else {
    ::X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    CHECK(::X509_VERIFY_PARAM_set1_host(expected, name.data(), name.size()) == 1);
    CHECK(::SSL_set_tlsext_host_name(ssl_.get(), name.c_str()) == 1);
  }
}

void TlsSession::meet() {
  if (state_ != State::kMeeting) return;
  ::ERR_clear_error();
  const int result = ::SSL_do_handshake(ssl_.get());
  if (result == 1) {
    state_ = State::kOpen;
  } else {
    end(result);
  }
}

// Unless it only waits for more bytes.
void TlsSession::end(int result) {
  const int error = ::SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
  state_ = State::kEnded;
  const long verified = ::SSL_get_verify_result(ssl_.get());
  if (error == SSL_ERROR_ZERO_RETURN) {
    why_ = "closed by the server";
  } else if (verified != X509_V_OK) {
    why_ = std::string("tls: ") + ::X509_verify_cert_error_string(verified);
  } else {
    why_ = failed("tls").what;
  }
  ::ERR_clear_error();
}

void TlsSession::came(std::string_view sealed) {
  CHECK(::BIO_write(in_, sealed.data(), static_cast<int>(sealed.size())) ==
        static_cast<int>(sealed.size()));
}

bool TlsSession::read(std::string& plain) {
  std::array<char, 16384> bytes;
  while (state_ == State::kOpen) {
    ::ERR_clear_error();
    const int got = ::SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (got <= 0) {
      end(got);
      break;
    }
    plain.append(bytes.data(), static_cast<size_t>(got));
  }
  return state_ != State::kEnded;
}

bool TlsSession::write(std::string_view plain) {
  CHECK(state_ == State::kOpen && !plain.empty());
  ::ERR_clear_error();
  const int size = static_cast<int>(plain.size());
  const int put = ::SSL_write(ssl_.get(), plain.data(), size);
  if (put != size) {
    end(put);
    state_ = State::kEnded;
  }
  return state_ == State::kOpen;
}

void TlsSession::take_sealed(std::string& out) {
  char* bytes = nullptr;
  const long size = ::BIO_get_mem_data(out_, &bytes);
  if (size <= 0) return;
  out.append(bytes, static_cast<size_t>(size));
  CHECK(BIO_reset(out_) == 1);
}

}  // namespace redis

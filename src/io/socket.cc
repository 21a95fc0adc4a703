#include "io/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>

#include "base/check.h"

namespace io {
namespace {

constexpr int kBacklog = 4096;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress address_of(const Endpoint& endpoint) {
  SocketAddress out;
  const uint8_t* const bytes = endpoint.ip.bytes().data();
  if (endpoint.ip.v4()) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(endpoint.port);
    std::memcpy(&four.sin_addr, bytes + 12, 4);
    std::memcpy(&out.storage, &four, out.size = sizeof four);
  } else {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(endpoint.port);
    std::memcpy(&six.sin6_addr, bytes, 16);
    std::memcpy(&out.storage, &six, out.size = sizeof six);
  }
  return out;
}

std::string words_of(int error) {
  std::string words = std::generic_category().message(error);
  words[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(words[0])));
  return words;
}

base::Error system_error() { return {base::Code::kIo, words_of(errno), {}}; }

void set(int fd, int level, int option, int value) {
  CHECK(::setsockopt(fd, level, option, &value, sizeof value) == 0);
}

}  // namespace

void Fd::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

base::Result<Ip> resolve(const std::string& host) {
  if (const std::optional<Ip> ip = Ip::parse(host)) return *ip;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failed != 0) return base::Error{base::Code::kIo, ::gai_strerror(failed), {}};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  std::optional<Ip> six;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    if (at->ai_family != AF_INET && at->ai_family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, at->ai_addr, at->ai_addrlen);
    const Ip ip = Ip::of(storage);
    if (ip.v4()) return ip;
    if (!six) six = ip;
  }
  if (!six) return base::Error{base::Code::kIo, "no address", {}};
  return *six;
}

base::Result<Fd> listen_on(const Endpoint& endpoint) {
  const int family = endpoint.ip.v4() ? AF_INET : AF_INET6;
  Fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return system_error();
  set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (family == AF_INET6) set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  SocketAddress address = address_of(endpoint);
  if (::bind(fd.get(), address.get(), address.size) != 0) return system_error();
  if (::listen(fd.get(), kBacklog) != 0) return system_error();
  return fd;
}

Endpoint local_endpoint(const Fd& fd) {
  SocketAddress address;
  CHECK(::getsockname(fd.get(), address.get(), &address.size) == 0);
  const auto* const four = reinterpret_cast<const sockaddr_in*>(&address.storage);
  return {Ip::of(address.storage),
          ntohs(four->sin_port)};  // The port is in the same place in both.
}

Accepted accept_from(const Fd& listener) {
  SocketAddress address;
  Fd fd(::accept4(listener.get(), address.get(), &address.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) return {};
  const int on = 1;
  // A peer that is gone already fails here; its session will notice.
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return {std::move(fd), Ip::of(address.storage)};
}

base::Result<Fd> connect_to(const Endpoint& endpoint) {
  const int family = endpoint.ip.v4() ? AF_INET : AF_INET6;
  Fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return system_error();
  set(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd.get(), IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(fd.get(), IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(fd.get(), IPPROTO_TCP, TCP_KEEPCNT, 3);
  SocketAddress address = address_of(endpoint);
  const int made = ::connect(fd.get(), address.get(), address.size);
  if (made != 0 && errno != EINPROGRESS) return system_error();
  return fd;
}

std::string connect_error(const Fd& fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return error == 0 ? std::string() : words_of(error);
}

uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur;
}

}  // namespace io

// The bodies of test_bed.h.
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/check.h"
#include "limit/limit.h"
#include "server/storage.h"
#include "server/test_bed.h"

namespace server {

TempDirectory::TempDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "ratelimmq-XXXXXX").string();
  CHECK(::mkdtemp(name.data()) != nullptr);
  root_ = name;
}
TempDirectory::~TempDirectory() { std::filesystem::remove_all(root_); }
std::string TempDirectory::path(const std::string& name) const { return (root_ / name).string(); }

Client::Client(uint16_t port) : port_(port) {
  io::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(fd);
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  CHECK(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) fd_ = std::move(fd);
}

void Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

ssize_t Client::send_some(std::string_view bytes, std::chrono::milliseconds patience) {
  pollfd ready{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&ready, 1, static_cast<int>(patience.count())) == 0) return 0;
  return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool Client::fill() {
  std::array<char, 64 * 1024> chunk;
  const ssize_t got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
  if (got > 0) read_.append(chunk.data(), static_cast<size_t>(got));
  return got > 0;
}

std::string Client::line() {
  size_t end = 0;
  while ((end = read_.find('\n')) == std::string::npos) {
    if (!fill()) return "(end)";
  }
  std::string out = read_.substr(0, end);
  read_.erase(0, end + 1);
  return out;
}

std::string Client::exactly(size_t size) {
  while (read_.size() < size && fill()) {
  }
  std::string out = read_.substr(0, size);
  read_.erase(0, out.size());
  return out;
}

std::string Client::rest() {
  while (fill()) {
  }
  return std::exchange(read_, {});
}

void Client::end_sending() { ::shutdown(fd_.get(), SHUT_WR); }

Client::Response Client::response(bool no_body) {
  size_t end = 0;
  while ((end = read_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return {};
  }
  Response out;
  out.head = exactly(end + 4);
  out.status = std::stoi(out.head.substr(9, 3));
  const size_t at = out.head.find("Content-Length: ");
  if (at != std::string::npos && !no_body) out.body = exactly(std::stoul(out.head.substr(at + 16)));
  return out;
}

Client::Response Client::get(const std::string& target, const std::string& fields) {
  send("GET " + target + " HTTP/1.1\r\nHost: " + host() + "\r\n" + fields + "\r\n");
  return response();
}

ServerOptions Bed::options() {
  ServerOptions out;
  out.tcp.port = out.api.port = out.gateway.port = 0;
  out.threads = 2;
  return out;
}

Bed::Bed(ServerOptions with, std::function<Reload()> reload, std::vector<std::string> watched) {
  limiter::LimitSpec spec;
  spec.algorithm = "gcra";
  spec.law = limit::Gcra::make({2, std::chrono::hours(1)}, 2).value();
  limiter::NodeSpec node;
  node.key = "tenant";
  node.limits = {spec};
  CHECK(limiter_.reload({{.name = "api", .nodes = {node}, .mark = {}}}).empty());
  with.data_dir = directory_.path("data");
  auto storage = Storage::take({.directory = with.data_dir,
                                .shards = with.shards,
                                .fresh_shards = fresh_shards_of(with),
                                .fresh_seed = 1});
  CHECK(storage && (*storage)->open({}, {}, limiter_, clock_.now()));
  auto opened = Server::open(std::move(with), {limiter_, clock_, "", std::move(watched),
                                               std::move(reload), std::move(*storage)});
  CHECK(opened);
  server_ = std::move(*opened);
  thread_ = std::thread([this] {
    server_->run();
    ended_ = true;
  });
}

Bed::~Bed() {
  server_->stop();
  thread_.join();
}

bool Bed::ends() {
  return becomes([this] { return ended_.load(); });
}

std::string Bed::metric(const std::string& name) const {
  const std::string text = "\n" + api().get("/metrics").body;
  const size_t at = text.find("\n" + name + " ");
  if (at == std::string::npos) return {};
  const size_t begin = at + name.size() + 2;
  return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace server

#include "cli/line_client.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

#include "protocol/json_text.h"

namespace cli {
namespace {

base::Error trouble(const std::string& what, int error) {
  return {base::Code::kIo, what + ": " + std::generic_category().message(error), {}};
}

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

base::Result<AddressList> look_up(const std::string& host, const std::string& port) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int outcome = ::getaddrinfo(host.c_str(), port.c_str(), &wanted, &found);
  if (outcome == 0) return AddressList(found, &::freeaddrinfo);
  return base::Error{base::Code::kIo, host + ':' + port + ": " + ::gai_strerror(outcome), {}};
}

}  // namespace

std::string spell_word(std::string_view word) {
  const auto splits = [](char c) {
    return c == ' ' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  };
  const bool bare = !word.empty() && word.front() != '"' && std::ranges::none_of(word, splits);
  if (bare) return std::string(word);
  std::string out;
  protocol::append_quoted(out, word, protocol::BadUtf8::kKeep);
  return out;
}

std::string spell_line(std::span<const std::string> words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + spell_word(word);
  return line;
}

bool is_error(std::string_view answer) {
  static constexpr std::array<std::string_view, 10> kPrefixes{
      "ERR",   "LIMITED", "NOAUTH",   "NOPERM",  "NOTFOUND",
      "STALE", "FULL",    "READONLY", "UNKNOWN", "SHUTDOWN"};
  const std::string_view first = answer.substr(0, answer.find(' '));
  return std::ranges::find(kPrefixes, first) != kPrefixes.end();
}

base::Result<LineClient> LineClient::connect(const std::string& host, const std::string& port) {
  const base::Result<AddressList> addresses = look_up(host, port);
  if (!addresses) return addresses.error();
  int error = ECONNREFUSED;
  for (const addrinfo* at = addresses->get(); at != nullptr; at = at->ai_next) {
    LineClient client(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
    if (client.socket_ >= 0 && ::connect(client.socket_, at->ai_addr, at->ai_addrlen) == 0) {
      return client;
    }
    error = errno;
  }
  return trouble(host + ':' + port, error);
}

LineClient::LineClient(LineClient&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), received_(std::move(other.received_)) {}

LineClient::~LineClient() {
  if (socket_ >= 0) ::close(socket_);
}

base::Status LineClient::send(std::string_view line) {
  std::string bytes(line);
  bytes += '\n';
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return trouble("send", errno);
    rest.remove_prefix(static_cast<size_t>(sent));
  }
  return {};
}

base::Result<std::string> LineClient::receive() {
  std::array<char, 16 * 1024> part;
  size_t searched = 0;
  for (;;) {
    const size_t end = received_.find('\n', searched);
    if (end != received_.npos) {
      std::string answer = received_.substr(0, end);
      received_.erase(0, end + 1);
      return answer;
    }
    searched = received_.size();
    if (searched > kAnswerMax) return base::Error{base::Code::kIo, "an endless answer", {}};
    const ssize_t got = ::recv(socket_, part.data(), part.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return trouble("receive", errno);
    if (got == 0) return base::Error{base::Code::kShutdown, "the server closed the connection", {}};
    received_.append(part.data(), static_cast<size_t>(got));
  }
}

}  // namespace cli

// Real redis-servers on loopback, for tests: one, a cluster, one that a Sentinel watches. They die
// with the thread that started them, and leave no file behind.
#pragma once
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "io/socket.h"

namespace redis_bed {

using Words = std::vector<std::string>;

// Until `true_now`, looked at every few milliseconds. False: it never was within `span`.
inline bool wait_until(const std::function<bool()>& true_now,
                       std::chrono::milliseconds span = std::chrono::seconds(10)) {
  const auto end = std::chrono::steady_clock::now() + span;
  while (!true_now()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  return true;
}

inline uint16_t free_port() {
  const io::Fd listener = *io::listen_on({*io::Ip::parse("127.0.0.1"), 0});
  return io::local_endpoint(listener).port;
}

class TempFolder {
 public:
  TempFolder() { CHECK(::mkdtemp(path_.data()) != nullptr); }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/ratelimmq_redis_XXXXXX";
};

// A blocking connection that says one thing at a time.
class Plain {
 public:
  explicit Plain(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    open_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  bool open() const { return open_; }

  // The reply in words: text as it is, an integer's digits, "(nil)", "-ERR …" of an error, a list's
  // elements one a line. "(gone)": the connection ended.
  std::string ask(const Words& words) {
    std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words) {
      bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    }
    const ssize_t sent = open_ ? ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) : -1;
    if (sent != static_cast<ssize_t>(bytes.size())) open_ = false;
    std::string out = reply();
    return open_ ? out : "(gone)";
  }

 private:
  bool more() {
    char bytes[16384];
    const ssize_t got = open_ ? ::recv(fd_.get(), bytes, sizeof bytes, 0) : 0;
    if (got <= 0) return open_ = false;
    in_.append(bytes, static_cast<size_t>(got));
    return true;
  }

  std::string take(size_t size) {
    while (in_.size() < size && more()) {
    }
    std::string out = in_.substr(0, size);
    in_.erase(0, size);
    return out;
  }

  std::string line() {
    size_t end = in_.find("\r\n");
    while (end == std::string::npos && more()) end = in_.find("\r\n");
    if (end == std::string::npos) return {};
    std::string out = take(end + 2);
    out.resize(end);
    return out;
  }

  std::string reply() {
    const std::string head = line();
    if (!open_ || head.empty()) return {};
    if (head[0] == '-') return head;
    if (head[0] == '+' || head[0] == ':') return head.substr(1);
    const long size = std::stol(head.substr(1));
    if (size < 0) return "(nil)";
    if (head[0] == '$') {
      std::string out = take(static_cast<size_t>(size) + 2);
      out.resize(std::min(out.size(), static_cast<size_t>(size)));
      return out;
    }
    std::string out;
    for (long i = 0; i < size && open_; ++i) out += (i > 0 ? "\n" : "") + reply();
    return out;
  }

  io::Fd fd_;
  std::string in_;
  bool open_ = false;
};

class TestServer {
 public:
  struct How {
    Words arguments{};            // Behind ours, so they win.
    std::string configuration{};  // Of a Sentinel: it needs a file that it may write to.
    bool tls_only = false;        // port() is the one for TLS; there is no command().
    bool sentinel = false;        // `configuration` is a Sentinel's.
    bool log = false;             // To standard error, for whoever looks for a fault.
    uint16_t port = 0;            // 0: a free one.
  };
  explicit TestServer(Words arguments = {}) : TestServer(How{.arguments = std::move(arguments)}) {}
  explicit TestServer(How how)
      : how_(std::move(how)), port_(how_.port != 0 ? how_.port : free_port()) {
    start();
  }
  ~TestServer() { kill(); }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }
  const std::string& folder() const { return folder_.path(); }

  // Again on the same port, empty unless it keeps files. Returns when it answers.
  void start() {
    CHECK(pid_ <= 0);
    CHECK(wait_until([this] {
      if (pid_ <= 0) launch();
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) pid_ = -1;  // Its port was taken meanwhile.
      return pid_ > 0 && answers();
    }));
  }
  void kill() { end(SIGKILL); }
  void stop() { end(SIGTERM); }  // As an operator does: it closes its connections first.
  void pause() { CHECK(::kill(pid_, SIGSTOP) == 0); }
  void go_on() { CHECK(::kill(pid_, SIGCONT) == 0); }

  // Over a connection that stays open, so AUTH and SELECT last until it breaks; then it is asked
  // once more over another.
  std::string command(const Words& words) {
    std::string out = plain_ && plain_->open() ? plain_->ask(words) : "(gone)";
    if (out != "(gone)") return out;
    plain_ = std::make_unique<Plain>(port_);
    return plain_->ask(words);
  }

 private:
  bool answers() {
    if (how_.tls_only) return Plain(port_).open();
    const std::string said = Plain(port_).ask({"PING"});
    return said == "PONG" || said.starts_with("-NOAUTH") || said.starts_with("-DENIED");
  }

  void end(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    ::kill(pid_, SIGCONT);  // A stopped one ends too, and does nothing else first.
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    plain_.reset();
  }

  // Debian's redis-check-rdb is the server if it is called so.
  std::string program() const {
    const char* const path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string each; std::getline(folders, each, ':');) {
      if (::access((each + "/redis-server").c_str(), X_OK) == 0) return each + "/redis-server";
    }
    const std::string link = folder_.path() + "/redis-server";
    [[maybe_unused]] const int made = ::symlink("/usr/bin/redis-check-rdb", link.c_str());
    CHECK(::access(link.c_str(), X_OK) == 0);
    return link;
  }

  Words command_line() const {
    Words out = {program()};
    if (how_.sentinel) {
      const std::string file = folder_.path() + "/sentinel.conf";
      if (::access(file.c_str(), F_OK) != 0) std::ofstream(file) << how_.configuration;
      out.insert(out.end(), {file, "--sentinel"});
    } else {
      out.insert(out.end(), {"--save", "", "--appendonly", "no", "--daemonize", "no"});
    }
    const Words ours = {how_.tls_only ? "--tls-port" : "--port",
                        std::to_string(port_),
                        "--bind",
                        "127.0.0.1",
                        "--dir",
                        folder_.path()};
    out.insert(out.end(), ours.begin(), ours.end());
    if (how_.tls_only) out.insert(out.end(), {"--port", "0"});
    out.insert(out.end(), how_.arguments.begin(), how_.arguments.end());
    return out;
  }

  void launch() {
    const Words words = command_line();
    std::vector<char*> pointers;
    for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    CHECK(pid_ >= 0);
    if (pid_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    const int quiet = ::open("/dev/null", O_RDWR);
    ::dup2(quiet, 0);
    if (!how_.log) ::dup2(quiet, 1);
    if (how_.log) ::dup2(2, 1);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }

  const How how_;
  TempFolder folder_;
  uint16_t port_;
  pid_t pid_ = -1;
  std::unique_ptr<Plain> plain_;
};

// `masters` nodes that share the slots evenly, in their order, then `masters * replicas` more:
// replica r of master m is node masters + m * replicas + r.
class TestCluster {
 public:
  explicit TestCluster(size_t masters = 3, size_t replicas = 1, const Words& arguments = {})
      : masters_(masters), replicas_(replicas) {
    for (size_t i = 0; i < masters * (1 + replicas); ++i) {
      Words all = {"--cluster-enabled",
                   "yes",
                   "--cluster-node-timeout",
                   "800",
                   "--cluster-port",
                   std::to_string(free_port()),
                   "--cluster-replica-validity-factor",
                   "0",
                   "--repl-diskless-sync-delay",
                   "0"};
      all.insert(all.end(), arguments.begin(), arguments.end());
      nodes_.push_back(std::make_unique<TestServer>(all));
      ports_.push_back(all[5]);
    }
    join();
  }

  size_t size() const { return nodes_.size(); }
  TestServer& node(size_t i) { return *nodes_[i]; }
  TestServer& replica_of(size_t master, size_t i = 0) {
    return node(masters_ + master * replicas_ + i);
  }
  std::string id(size_t i) { return node(i).command({"CLUSTER", "MYID"}); }
  size_t first_slot(size_t master) const { return kSlots * master / masters_; }
  size_t master_of(size_t slot) const {  // As long as no slot has moved.
    size_t m = 0;
    while (m + 1 < masters_ && first_slot(m + 1) <= slot) ++m;
    return m;
  }

 private:
  static constexpr size_t kSlots = 16384;

  bool all_say(const std::string& words) {
    for (const std::unique_ptr<TestServer>& each : nodes_) {
      if (each->command({"CLUSTER", "INFO"}).find(words) == std::string::npos) return false;
    }
    return true;
  }

  void join() {
    const std::string count = std::to_string(size());
    for (size_t i = 0; i < size(); ++i) {
      node(i).command({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
      if (i == 0) continue;
      node(0).command({"CLUSTER", "MEET", "127.0.0.1", std::to_string(node(i).port()), ports_[i]});
    }
    for (size_t m = 0; m < masters_; ++m) {
      node(m).command({"CLUSTER", "ADDSLOTSRANGE", std::to_string(first_slot(m)),
                       std::to_string(first_slot(m + 1) - 1)});
    }
    CHECK(wait_until([&] { return all_say("cluster_known_nodes:" + count + "\r\n"); }));
    for (size_t i = masters_; i < size(); ++i) {
      const std::string master = id((i - masters_) / replicas_);
      CHECK(wait_until([&] { return node(i).command({"CLUSTER", "REPLICATE", master}) == "OK"; }));
    }
    CHECK(wait_until([&] { return all_say("cluster_state:ok") && replicas_follow(); }));
  }

  bool replicas_follow() {
    for (size_t i = masters_; i < size(); ++i) {
      const std::string info = node(i).command({"INFO", "replication"});
      if (info.find("master_link_status:up") == std::string::npos) return false;
    }
    return true;
  }

  const size_t masters_, replicas_;
  std::vector<std::unique_ptr<TestServer>> nodes_;
  Words ports_;  // Of the bus.
};

// A Sentinel that alone decides.
class TestSentinel {
 public:
  // `extra` are lines of its configuration.
  TestSentinel(const std::string& name, const TestServer& master, const std::string& extra = {})
      : server_({.configuration = "sentinel monitor " + name + " 127.0.0.1 " +
                                  std::to_string(master.port()) +
                                  " 1\n"
                                  "sentinel down-after-milliseconds " +
                                  name +
                                  " 400\n"
                                  "sentinel failover-timeout " +
                                  name + " 3000\n" + extra,
                 .sentinel = true}) {}

  TestServer& server() { return server_; }
  uint16_t port() const { return server_.port(); }

 private:
  TestServer server_;
};

}  // namespace redis_bed

// Requests at a steady pace, each path in its turn, whatever the answers do; how long each took
// from the instant at which it was due, so that one that waits for a connection counts too.
//
//   paced_load PORT CONNECTIONS PER_SECOND SECONDS PATH …       one line of JSON for each path
//
// A host that takes a core away for milliseconds is all that a high quantile would show. So a
// thread of the highest priority on each core wakes up every millisecond and notes when it was
// late; a request that was on its way meanwhile is left out, and counted as such.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr uint64_t kClients = 200'000;  // Addresses that the requests are said to come from.
constexpr int64_t kPatienceNs = 5'000'000'000;  // For the last answers.
constexpr uint64_t kWarm = 20;                  // The first part in so many is not told of.

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "paced_load: %s\n", why.c_str());
  std::exit(1);
}

int64_t steady_now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

// When a core stood still.
class Stalls {
 public:
  static constexpr int64_t kTickNs = 1'000'000;
  static constexpr int64_t kLateNs = 250'000;
  static constexpr int64_t kAfterNs = 2'000'000;  // Until what has gathered meanwhile is done.

  Stalls() : of_(std::thread::hardware_concurrency()) {
    for (size_t core = 0; core < of_.size(); ++core)
      threads_.emplace_back([this, core] { watch(core); });
  }
  // Ends the watch: of all cores, in order of time.
  std::vector<std::pair<int64_t, int64_t>> all() {
    stop_ = true;
    for (std::thread& each : threads_) each.join();
    std::vector<std::pair<int64_t, int64_t>> all;
    for (const auto& each : of_) all.insert(all.end(), each.begin(), each.end());
    std::ranges::sort(all);
    return all;
  }

 private:
  void watch(size_t core) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(core, &only);
    const sched_param first{.sched_priority = 50};
    if (::sched_setaffinity(0, sizeof only, &only) != 0 ||
        ::sched_setscheduler(0, SCHED_FIFO, &first) != 0) {
      die("watching the cores takes the right to run before others (root)");
    }
    while (!stop_) {
      const int64_t due = steady_now() + kTickNs;
      std::this_thread::sleep_until(
          std::chrono::steady_clock::time_point(std::chrono::nanoseconds(due)));
      const int64_t now = steady_now();
      if (now - due > kLateNs) of_[core].emplace_back(due - kTickNs, now + kAfterNs);
    }
  }

  std::atomic<bool> stop_ = false;
  std::vector<std::vector<std::pair<int64_t, int64_t>>> of_;  // By core.
  std::vector<std::thread> threads_;
};

struct Request {
  uint64_t number;
  int64_t due;
};

struct Connection {
  int fd;
  Request request{};
  std::string got{};
};

// Of one path.
struct Outcome {
  std::string path;
  std::vector<std::pair<int64_t, int64_t>> spans{};  // From the instant it was due to its end.
  std::vector<int64_t> took{};                       // Of those that no stall touched.
  long failed = 0;
};

class Load {
 public:
  Load(uint16_t port, size_t connections, std::vector<std::string> paths) {
    for (std::string& path : paths) outcomes_.push_back({std::move(path)});
    for (size_t i = 0; i < connections; ++i) connect(port);
    for (Connection& each : connections_) idle_.push_back(&each);
  }

  void run(double per_second, double seconds) {
    count_ = static_cast<uint64_t>(per_second * seconds);
    const int64_t begin = steady_now();
    const auto due = [&](uint64_t n) {
      return begin + static_cast<int64_t>(1e9 * static_cast<double>(n) / per_second);
    };
    for (uint64_t sent = 0; ended_ < count_;) {
      const int64_t now = steady_now();
      for (; sent < count_ && due(sent) <= now; ++sent) waiting_.push_back({sent, due(sent)});
      start();
      if (now > due(count_) + kPatienceNs) die("answers do not come");
      wait(sent < count_ ? due(sent) - steady_now() : kPatienceNs);
    }
  }

  void print() {
    const auto stalls = stalls_.all();
    for (Outcome& each : outcomes_) {
      for (const auto& [due, end] : each.spans) {
        const auto touches = [&](const auto& stall) {
          return stall.first < end && due < stall.second;
        };
        if (std::ranges::none_of(stalls, touches)) each.took.push_back(end - due);
      }
      std::ranges::sort(each.took);
      const auto us = [&](double share) {
        const double at = share * static_cast<double>(each.took.size() - 1);
        return static_cast<double>(each.took[static_cast<size_t>(at)]) / 1e3;
      };
      if (each.took.empty()) die("no answer of " + each.path);
      std::printf(
          "{\"path\":\"%s\",\"requests\":%zu,\"left_out\":%.4f,\"failed\":%ld,\"p50_us\":%.1f,"
          "\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f}\n",
          each.path.c_str(), each.spans.size(),
          1 - static_cast<double>(each.took.size()) / static_cast<double>(each.spans.size()),
          each.failed, us(0.5), us(0.9), us(0.99), us(0.999), us(1));
    }
  }

 private:
  void connect(uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) die("no server");
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connections_.emplace_back(Connection{fd});
    ::epoll_ctl(set_, EPOLL_CTL_ADD, fd, &event);
  }

  void start() {
    for (; !waiting_.empty() && !idle_.empty(); waiting_.pop_front()) {
      Connection& on = *idle_.back();
      idle_.pop_back();
      on.request = waiting_.front();
      const uint64_t client = on.request.number * 7919 % kClients;
      const std::string text = "GET " + outcome_of(on.request).path +
                               " HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 10." +
                               std::to_string(client / 62'500) + "." +
                               std::to_string(client / 250 % 250) + "." +
                               std::to_string(client % 250) + "\r\n\r\n";
      if (::send(on.fd, text.data(), text.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(text.size())) {
        die("a connection broke");
      }
    }
  }

  void wait(int64_t ns) {
    ns = std::max<int64_t>(ns, 0);
    const timespec span{ns / 1'000'000'000, ns % 1'000'000'000};
    epoll_event events[64];
    const int count = ::epoll_pwait2(set_, events, 64, &span, nullptr);
    for (int i = 0; i < count; ++i) take(*static_cast<Connection*>(events[i].data.ptr));
  }

  void take(Connection& on) {
    char bytes[size_t{1} << 16];
    const ssize_t got = ::recv(on.fd, bytes, sizeof bytes, 0);
    if (got <= 0) die("a connection ended");
    on.got.append(bytes, static_cast<size_t>(got));
    if (!whole(on.got)) return;
    Outcome& outcome = outcome_of(on.request);
    if (!on.got.starts_with("HTTP/1.1 200")) ++outcome.failed;
    if (on.request.number >= count_ / kWarm) {
      outcome.spans.emplace_back(on.request.due, steady_now());
    }
    on.got.clear();
    ++ended_;
    idle_.push_back(&on);
  }

  static bool whole(std::string_view text) {
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    const size_t end = text.find("\r\n\r\n");
    if (end == text.npos) return false;
    const size_t length = text.find(kLength);
    if (length > end) die("an answer says no length");
    return text.size() >=
           end + 4 + std::strtoul(text.data() + length + kLength.size(), nullptr, 10);
  }

  Outcome& outcome_of(const Request& request) {
    return outcomes_[request.number % outcomes_.size()];
  }

  Stalls stalls_;
  const int set_ = ::epoll_create1(0);
  uint64_t count_ = 0, ended_ = 0;
  std::vector<Outcome> outcomes_;
  std::deque<Connection> connections_;  // Stay where they are.
  std::vector<Connection*> idle_;
  std::deque<Request> waiting_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) die("PORT CONNECTIONS PER_SECOND SECONDS PATH …");
  ::prctl(PR_SET_TIMERSLACK, 1UL);  // Wakes up when it said.
  Load load(static_cast<uint16_t>(std::atoi(argv[1])), std::strtoul(argv[2], nullptr, 10),
            {argv + 5, argv + argc});
  load.run(std::atof(argv[3]), std::atof(argv[4]));
  load.print();
}

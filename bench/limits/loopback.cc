// What the kernel's loopback TCP can do: one small message to and fro on each of many connections.
//
//   loopback CONNECTIONS SECONDS
//
// A process on core 0 reads and answers (one read, one write, epoll), one on core 1 asks. It prints
//   {"connections":50,"round_trips_per_second":98000,"server_us":6.1}
// server_us: the answering process' CPU time of a round trip, less than which no server takes.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

namespace {

using Message = std::array<char, 32>;

int checked(ssize_t value, const char* what) {
  if (value >= 0) return static_cast<int>(value);
  std::perror(what);
  std::exit(1);
}

double now() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(time).count();
}

void pin(size_t core) {  // On a machine of one core it is left out.
  cpu_set_t set{};
  CPU_SET(core, &set);
  sched_setaffinity(0, sizeof set, &set);
}

void watch(int poll, int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  checked(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

// Answers each message with one, for so many seconds. Returns how many.
long talk(int poll, double seconds) {
  std::array<epoll_event, 256> ready;
  Message message{};
  long messages = 0;
  for (const double end = now() + seconds; now() < end;) {
    const int count = epoll_wait(poll, ready.data(), static_cast<int>(ready.size()), 100);
    for (int i = 0; i < count; ++i) {
      const int fd = ready[static_cast<size_t>(i)].data.fd;
      if (read(fd, message.data(), message.size()) <= 0) return messages;
      checked(write(fd, message.data(), message.size()), "write");
      ++messages;
    }
  }
  return messages;
}

[[noreturn]] void serve(int listener, int connections) {
  pin(0);
  const int poll = checked(epoll_create1(0), "epoll_create1");
  for (int i = 0; i < connections; ++i) {
    watch(poll, checked(accept(listener, nullptr, nullptr), "accept"));
  }
  talk(poll, 1e9);  // Until the other end is gone.
  std::exit(0);
}

double cpu_seconds(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  clock_getcpuclockid(pid, &clock);
  checked(clock_gettime(clock, &time), "clock_gettime");
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void measure(pid_t server, sockaddr_in address, int connections, double seconds) {
  pin(1);
  const int poll = checked(epoll_create1(0), "epoll_create1");
  std::vector<int> sockets(static_cast<size_t>(connections));
  for (int& fd : sockets) {
    fd = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
    checked(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
    watch(poll, fd);
  }
  const double before = cpu_seconds(server), begin = now();
  const Message message{};
  for (const int fd : sockets) checked(write(fd, message.data(), message.size()), "write");
  const auto count = static_cast<double>(talk(poll, seconds));
  std::printf("{\"connections\":%d,\"round_trips_per_second\":%.0f,\"server_us\":%.3f}\n",
              connections, count / (now() - begin), (cpu_seconds(server) - before) * 1e6 / count);
}

}  // namespace

int main(int argc, char** argv) {
  const int connections = argc == 3 ? std::atoi(argv[1]) : 0;
  const double seconds = argc == 3 ? std::atof(argv[2]) : 0;
  if (connections < 1 || seconds <= 0) return std::puts("loopback CONNECTIONS SECONDS"), 2;
  const int listener = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
  sockaddr_in address{
      .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t size = sizeof address;
  checked(bind(listener, reinterpret_cast<sockaddr*>(&address), size), "bind");
  checked(listen(listener, 4096), "listen");
  checked(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  const pid_t server = checked(fork(), "fork");
  if (server == 0) serve(listener, connections);
  measure(server, address, connections, seconds);
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
}

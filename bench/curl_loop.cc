// A bare libcurl multi loop: curl_multi_socket_action() over epoll, nothing else. The ceiling for
// http::Client (bench/client_bench.cc).
//
//   curl_loop URL REQUESTS IN_FLIGHT
//   curl_loop @FILE 0 IN_FLIGHT         the URLs of a file, one a line
#include <curl/curl.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "cpu_report.h"

namespace {

struct Loop {
  int set = ::epoll_create1(0);
  CURLM* multi = ::curl_multi_init();
  long timeout_ms = -1;
};

int on_socket(CURL*, curl_socket_t fd, int what, void* self, void* known) {
  auto& loop = *static_cast<Loop*>(self);
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(loop.set, EPOLL_CTL_DEL, fd, nullptr);
    return 0;
  }
  epoll_event event{};
  event.events = ((what & CURL_POLL_IN) ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0u);
  event.data.fd = fd;
  ::epoll_ctl(loop.set, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
  if (known == nullptr) ::curl_multi_assign(loop.multi, fd, self);
  return 0;
}

int on_timer(CURLM*, long ms, void* self) {
  static_cast<Loop*>(self)->timeout_ms = ms;
  return 0;
}

size_t on_bytes(char*, size_t, size_t size, void*) { return size; }

CURL* handle() {
  CURL* const easy = ::curl_easy_init();
  ::curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_bytes);
  return easy;
}

// Returns how many requests failed.
long run(Loop& loop, long requests, long in_flight, const std::vector<std::string>& urls) {
  long started = 0, ended = 0, failed = 0;
  const auto start = [&](CURL* easy) {
    const auto next = static_cast<size_t>(started++) % urls.size();
    ::curl_easy_setopt(easy, CURLOPT_URL, urls[next].c_str());
    ::curl_multi_add_handle(loop.multi, easy);
  };
  while (started < std::min(in_flight, requests)) start(handle());
  int running = 0;
  std::vector<epoll_event> events(256);
  while (ended < requests) {
    const int found = ::epoll_wait(loop.set, events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(loop.timeout_ms));
    for (int i = 0; i < found; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      const int what = ((event.events & (EPOLLIN | EPOLLHUP)) ? CURL_CSELECT_IN : 0) |
                       ((event.events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
                       ((event.events & EPOLLERR) ? CURL_CSELECT_ERR : 0);
      ::curl_multi_socket_action(loop.multi, event.data.fd, what, &running);
    }
    if (found == 0 || loop.timeout_ms == 0) {
      ::curl_multi_socket_action(loop.multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    int left = 0;
    while (const CURLMsg* const message = ::curl_multi_info_read(loop.multi, &left)) {
      CURL* const easy = message->easy_handle;
      failed += message->data.result != CURLE_OK;
      ++ended;
      ::curl_multi_remove_handle(loop.multi, easy);
      if (started < requests) {
        start(easy);
      } else {
        ::curl_easy_cleanup(easy);
      }
    }
  }
  return failed;
}

std::vector<std::string> urls_of(const std::string& from) {
  if (from.front() != '@') return {from};
  std::vector<std::string> urls;
  std::ifstream file(from.substr(1));
  for (std::string line; std::getline(file, line);) urls.push_back(line);
  return urls;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "curl_loop URL|@FILE REQUESTS IN_FLIGHT\n"), 2;
  ::curl_global_init(CURL_GLOBAL_DEFAULT);
  Loop loop;
  const std::vector<std::string> urls = urls_of(argv[1]);
  const long in_flight = std::atol(argv[3]);
  const long requests = argv[1][0] == '@' ? static_cast<long>(urls.size()) : std::atol(argv[2]);
  ::curl_multi_setopt(loop.multi, CURLMOPT_SOCKETFUNCTION, &on_socket);
  ::curl_multi_setopt(loop.multi, CURLMOPT_SOCKETDATA, &loop);
  ::curl_multi_setopt(loop.multi, CURLMOPT_TIMERFUNCTION, &on_timer);
  ::curl_multi_setopt(loop.multi, CURLMOPT_TIMERDATA, &loop);
  ::curl_multi_setopt(loop.multi, CURLMOPT_MAXCONNECTS, std::max(in_flight * 2, 1024L));
  const bench::CpuReport report;
  const long failed = run(loop, requests, in_flight, urls);
  report.print("curl_loop", requests, failed);
  ::curl_multi_cleanup(loop.multi);
  return failed != 0;
}

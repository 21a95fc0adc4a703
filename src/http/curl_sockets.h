// libcurl's sockets and its timer as sources of a loop.
//
// libcurl asks to be told of a socket for each request anew, also on a connection that is used
// again. Those asks are taken lazily: a socket that no request waits for stays in the epoll set
// until something happens on it, so that a request on an open connection costs no epoll_ctl().
//
// Thread: the poll's.
#pragma once
#include <curl/curl.h>

#include <functional>
#include <memory>
#include <vector>

#include "base/time.h"
#include "io/alarm.h"
#include "io/poll.h"

namespace http {

class CurlSockets {
 public:
  // `after` is called, last, whenever libcurl has done something on its own; it may destroy this.
  CurlSockets(io::Poll& poll, CURLM* multi, std::function<void()> after);
  ~CurlSockets();  // After curl_multi_cleanup().
  CurlSockets(const CurlSockets&) = delete;
  CurlSockets& operator=(const CurlSockets&) = delete;

  curl_socket_t open(const curl_sockaddr& address);
  void close(curl_socket_t fd);  // One that open() gave.
  size_t connections() const { return connections_; }

  void wake();                       // `after`, soon.
  bool due() const { return due_; }  // libcurl wants to run now …
  void run_due();                    // … and does.

 private:
  class Wire;
  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*);
  static int on_timer(CURLM*, long ms, void* self);
  Wire& wire(curl_socket_t fd);
  void act(curl_socket_t fd, int what);
  void ring();

  io::Poll& poll_;
  CURLM* const multi_;
  std::function<void()> after_;
  io::Alarm alarm_;
  base::Duration due_at_ = base::Duration::max();  // By the monotonic clock.
  bool due_ = false, woken_ = false;
  std::vector<std::unique_ptr<Wire>> wires_;  // By descriptor.
  size_t connections_ = 0;
};

}  // namespace http

#include "load/talk.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "load/die.h"

namespace load {

std::unique_ptr<Talk> make_talk(const Work& work) {
  if (work.peer == "beanstalkd") return beanstalk_talk(work);
  if (work.peer == "nats") return nats_talk(work);
  if (work.peer == "rabbitmq") return rabbit_talk(work);
  return resp_talk(work);
}

void say(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) die(std::string("send: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

std::string hear(int socket, bool (*whole)(std::string_view)) {
  std::string in;
  char bytes[4096];
  while (!whole(in)) {
    const ssize_t got = recv(socket, bytes, sizeof bytes, 0);
    if (got <= 0) die("the server closed the connection: " + in);
    in.append(bytes, static_cast<size_t>(got));
  }
  return in;
}

}  // namespace load

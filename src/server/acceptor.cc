#include "server/acceptor.h"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "base/check.h"
#include "io/clock.h"
#include "io/log.h"

namespace server {
namespace {

constexpr int kAcceptsAtOnce = 64;
constexpr base::Duration kBackOff = std::chrono::milliseconds(100);
constexpr base::Duration kComplainEvery = std::chrono::seconds(1);

// A peer that gave up before it was its turn. Everything else is ours: no descriptors, no memory.
bool peers_fault(int error) {
  return error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM;
}

}  // namespace

Acceptor::Acceptor(io::Loop& loop, Listening listening, Gate& gate, ListenerTraffic& traffic,
                   std::span<const std::unique_ptr<Worker>> workers, Manner manner)
    : loop_(loop),
      listening_(std::move(listening)),
      gate_(gate),
      traffic_(traffic),
      workers_(workers),
      manner_(std::move(manner)) {}

void Acceptor::start() {
  started_ = true;
  CHECK(loop_.poll().add(listening_.fd.get(), io::kReadable, *this));
}

void Acceptor::stop() {
  if (started_) loop_.poll().remove(listening_.fd.get(), *this);
  started_ = false;
  listening_.fd.close();
}

void Acceptor::on_ready(uint8_t) {
  for (int i = 0; i < kAcceptsAtOnce && accept_one(); ++i) {
  }
}

// False: none waits, or none can be taken now.
bool Acceptor::accept_one() {
  io::Accepted accepted = io::accept_from(listening_.fd);
  if (accepted.fd) {
    admit(std::move(accepted));
    return true;
  }
  if (errno == EAGAIN) return false;
  if (peers_fault(errno)) return true;
  back_off(errno);
  return false;
}

void Acceptor::admit(io::Accepted accepted) {
  traffic_.accepted.add();
  if (!manner_.for_all && !may_enter(accepted.peer, gate_.trusted)) {
    traffic_.refused_foreign.add();
    return turn_away(accepted, TurnedAway::kUntrusted);
  }
  if (gate_.traffic.open() >= static_cast<int64_t>(gate_.connections_max)) {
    traffic_.refused_full.add();
    return turn_away(accepted, TurnedAway::kFull);
  }
  const size_t worker = turn_++ % workers_.size();
  workers_[worker]->adopt(
      {std::move(accepted.fd), accepted.peer, gate_.next_id++, worker, Presence(traffic_)},
      manner_.make_talk);
}

// The socket's buffer is empty, so a short text always fits.
void Acceptor::turn_away(const io::Accepted& accepted, TurnedAway why) {
  const std::string text = manner_.farewell(why);
  ::send(accepted.fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
  // A request that is here already and unread would turn the close into a reset.
  const std::span<char> scratch = loop_.poll().scratch();
  while (::recv(accepted.fd.get(), scratch.data(), scratch.size(), 0) > 0) {
  }
}

// Waiting connections stay in the kernel's queue; those that are open are served meanwhile.
void Acceptor::back_off(int error) {
  traffic_.accept_errors.add();
  const base::Time now = io::wall_clock();
  if (now - complained_ >= kComplainEvery || now < complained_) {
    complained_ = now;
    io::log(io::Level::kError, "cannot accept connections",
            {{"listener", name()}, {"error", std::generic_category().message(error)}});
  }
  loop_.poll().change(listening_.fd.get(), 0, *this);
  loop_.after(kBackOff, [this] {
    if (started_) loop_.poll().change(listening_.fd.get(), io::kReadable, *this);
  });
}

}  // namespace server

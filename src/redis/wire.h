// A stream of bytes to one address, in the clear or over TLS. Small bursts: what is written is
// handed to the kernel at once, and what it does not take waits here.
//
// Thread: the poll's.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "io/poll.h"
#include "io/socket.h"
#include "redis/tls.h"

namespace redis {

class Wire final : public io::Source {
 public:
  // Whoever is told may close() the wire, but not destroy it.
  class Told {
   public:
    virtual ~Told() = default;
    virtual void on_open() = 0;  // Connected; with TLS: and met.
    virtual void on_bytes(std::string_view bytes) = 0;
    virtual void on_room() = 0;                        // All that was written has been taken.
    virtual void on_gone(const std::string& why) = 0;  // Closed already.
  };
  Wire(io::Poll& poll, Told& told) : poll_(poll), told_(told) {}
  ~Wire() override { close(); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // REQUIRES: closed. `terms` null: in the clear. An error: it did not begin.
  base::Status open(const io::Endpoint& to, const TlsTerms* terms, const std::string& host);
  void close();
  bool is_open() const { return static_cast<bool>(fd_); }  // Or about to be.

  bool room() const { return unsent_.empty(); }
  // REQUIRES: on_open() has been, room(). Never calls on_gone() from inside.
  void write(std::string_view bytes);

  void on_ready(uint8_t ready) override;

 private:
  void connected();
  void receive();
  void took(std::string_view bytes);
  void send_unsent();
  void want(uint8_t interest);
  void gone(const std::string& why);

  io::Poll& poll_;
  Told& told_;
  io::Fd fd_;
  std::optional<TlsSession> tls_;
  std::string unsent_;
  std::string plain_;  // What TLS has undone, for on_bytes().
  uint8_t interest_ = 0;
  bool connecting_ = false;
};

}  // namespace redis

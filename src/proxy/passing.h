// Heads rewritten on their way through: what a proxy takes out, and what it adds.
//
//   upstream   Host is the client's (an HTTP/1.0 client without one: the upstream's). Fields of one
//              connection are left out, and those that Connection names. X-Forwarded-For, -Proto
//              and -Host, X-Real-IP and X-Request-Id are ours; what a client that is no trusted
//              proxy says in their place, in Forwarded or with '_' for '-', is left out. Of a
//              trusted proxy they are kept, with its address added.
//   client     The same out; the route's added fields, X-Request-Id and the framing in.
//
// Thread: any.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "io/ip.h"
#include "proxy/heads.h"

namespace proxy {

struct Outbound {
  const RequestHead& head;
  const io::Ip& peer;
  bool trusted = false;        // The peer is a trusted proxy.
  std::string_view client;     // Its address, for X-Real-IP; empty: not said.
  std::string_view authority;  // The upstream's.
  std::string_view request_id;
};
void write_request(const Outbound& outbound, std::string& out);

struct Inbound {
  const ResponseHead& head;
  std::string_view request_id;
  std::span<const std::pair<std::string_view, std::string>> added;
  base::Time now;           // For Date, if the upstream says none.
  bool chunked = false;     // The body's framing to the client, where its length is not known.
  bool close = false;       // Connection: close
  bool keep_alive = false;  // Connection: keep-alive, which HTTP/1.0 wants to be told.
};
void write_response(const Inbound& inbound, std::string& out);

void append_number(std::string& out, uint64_t number);
// The beginning of a chunk that has this many bytes.
void append_chunk_head(std::string& out, size_t bytes);

}  // namespace proxy

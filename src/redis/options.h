// Where a Redis is and how it is spoken to. Plain values: filled by config/
// (docs/configuration.md).
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace redis {

struct Node {
  std::string host;  // A name, or an address without brackets.
  uint16_t port = 6379;
  friend bool operator==(const Node&, const Node&) = default;
};

enum class Layout : uint8_t { kSingle, kCluster, kSentinel };

struct Tls {
  bool on = false;
  bool verify = true;
  std::string ca_file;              // Empty: the system's.
  std::string cert_file, key_file;  // Of the client; empty: none.
  std::string server_name;          // Empty: the node's host.
};

struct Options {
  Layout layout = Layout::kSingle;
  std::vector<Node> nodes{{"127.0.0.1", 6379}};  // kSingle: one. Else some of them, to begin with.
  std::string master_name;                       // kSentinel.
  std::string user, password;  // Empty: no AUTH. A password alone: the default user's.
  std::string sentinel_user, sentinel_password;
  int database = 0;  // Not with kCluster.
  Tls tls;
  base::Duration connect_timeout = std::chrono::seconds(1);  // Until the node has said hello.
  base::Duration backoff_min = std::chrono::milliseconds(20);
  base::Duration backoff_max =
      std::chrono::seconds(1);                // Between attempts to connect; with jitter.
  size_t in_flight_max = 65'536;              // Calls a node owes; over it kFull.
  size_t reply_bytes_max = size_t{64} << 20;  // A longer one breaks the connection.
  std::string client_name = "ratelimmq";      // CLIENT SETNAME.
};

// "redis://[user[:password]@]host[:port][/database]", rediss:// with TLS. kInvalid ("url"), without
// repeating the URL.
base::Result<Options> parse_url(std::string_view url);

}  // namespace redis

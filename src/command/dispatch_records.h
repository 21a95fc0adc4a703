// Hosts that the dispatcher sends to, from what the shards say waits for them and what is known of
// their answers.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dispatch/hosts.h"
#include "engine/request.h"
#include "protocol/writer.h"

namespace command {

inline constexpr size_t kDispatchRowsMax = 1000;
inline constexpr size_t kHostBytesMax = 300;

struct DispatchRow {
  std::string host;
  uint64_t in_flight = 0, waiting = 0;
  // Why messages wait, or would: what the host's answers have earned it (dispatch::HostRow), else
  // the limit that holds the oldest back; empty: nothing does.
  std::string reason;
  base::Time blocked_until{};  // <= now: it is not.
  int64_t per_second_milli = 0;
};

// Of answered engine::Targets, one a shard: those with most waiting and in flight first. An ask for
// one host gives one row; kNotFound: nothing is known of it.
base::Result<std::vector<DispatchRow>> dispatch_rows(std::span<engine::Request> requests,
                                                     const dispatch::Hosts& hosts, base::Time now);

// host, in_flight, waiting, reason, blocked_until_ms, rate.
void write_dispatch(const DispatchRow& row, base::Time now, protocol::Writer& writer);

// The host of a DISPATCH as it is known: in lower case. kInvalid ("host"): none can be so.
base::Result<std::string> dispatch_host(std::string_view text);

}  // namespace command

#include "command/dispatch_records.h"

#include <algorithm>
#include <map>
#include <utility>

#include "command/option_value.h"
#include "command/words.h"

namespace command {
namespace {

using protocol::Writer;
using Waiting = std::map<std::string, engine::Targets::Row, std::less<>>;

// Does `a` speak of an older message than `b`?
bool older(const engine::Targets::Row& a, const engine::Targets::Row& b) {
  if (a.oldest == base::Time()) return false;
  return b.oldest == base::Time() || a.oldest < b.oldest;
}

Waiting merged(std::span<engine::Request> requests) {
  Waiting all;
  for (engine::Request& request : requests) {
    for (engine::Targets::Row& row : std::get<engine::Targets>(request.what).rows) {
      const auto [found, fresh] = all.try_emplace(row.host, row);
      if (fresh) continue;
      const uint64_t waiting = found->second.waiting + row.waiting;
      if (older(row, found->second)) found->second = std::move(row);
      found->second.waiting = waiting;
    }
  }
  return all;
}

DispatchRow joined(dispatch::HostRow&& known, const Waiting& waiting) {
  DispatchRow row{.host = std::move(known.host),
                  .in_flight = known.in_flight,
                  .waiting = 0,
                  .reason = std::string(known.reason),
                  .blocked_until = known.blocked_until,
                  .per_second_milli = known.per_second_milli};
  const auto found = waiting.find(row.host);
  if (found == waiting.end()) return row;
  row.waiting = found->second.waiting;
  if (!row.reason.empty()) return row;
  row.reason = found->second.limited_by;
  if (row.reason == "blocked") row.blocked_until = found->second.until;  // By an operator.
  return row;
}

// The hosts that most messages wait for.
std::vector<std::string> most_waited_for(const Waiting& waiting) {
  std::vector<std::pair<uint64_t, std::string>> all;
  for (const auto& [host, row] : waiting) all.emplace_back(row.waiting, host);
  const size_t most = std::min(all.size(), kDispatchRowsMax);
  std::ranges::partial_sort(all, all.begin() + static_cast<ptrdiff_t>(most), std::greater<>());
  std::vector<std::string> hosts;
  for (size_t i = 0; i < most; ++i) hosts.push_back(std::move(all[i].second));
  return hosts;
}

std::vector<DispatchRow> all_rows(const Waiting& waiting, const dispatch::Hosts& hosts,
                                  base::Time now) {
  std::map<std::string, DispatchRow, std::less<>> rows;
  for (dispatch::HostRow& known : hosts.rows(kDispatchRowsMax, now)) {
    std::string host = known.host;
    rows.emplace(std::move(host), joined(std::move(known), waiting));
  }
  for (const std::string& host : most_waited_for(waiting)) {
    if (!rows.contains(host)) rows.emplace(host, joined(hosts.row(host, now), waiting));
  }
  std::vector<DispatchRow> out;
  for (auto& [host, row] : rows) out.push_back(std::move(row));
  const auto busy = [](const DispatchRow& row) { return row.waiting + row.in_flight; };
  std::ranges::stable_sort(out, std::greater<>(), busy);
  if (out.size() > kDispatchRowsMax) out.resize(kDispatchRowsMax);
  return out;
}

}  // namespace

base::Result<std::vector<DispatchRow>> dispatch_rows(std::span<engine::Request> requests,
                                                     const dispatch::Hosts& hosts, base::Time now) {
  const Waiting waiting = merged(requests);
  const std::string_view host = std::get<engine::Targets>(requests.front().what).host;
  if (host.empty()) return all_rows(waiting, hosts, now);
  dispatch::HostRow known = hosts.row(host, now);
  if (known.requests == 0 && known.in_flight == 0 && !waiting.contains(host))
    return base::Error{base::Code::kNotFound, "nothing is known of host '" + shown(host) + "'",
                       "host"};
  return std::vector<DispatchRow>{joined(std::move(known), waiting)};
}

void write_dispatch(const DispatchRow& row, base::Time now, Writer& writer) {
  writer.record(6).field("host").text(row.host);
  writer.field("in_flight").integer(static_cast<int64_t>(row.in_flight));
  writer.field("waiting").integer(static_cast<int64_t>(row.waiting)).field("reason");
  row.reason.empty() ? writer.nil() : writer.text(row.reason);
  writer.field("blocked_until_ms");
  if (row.blocked_until > now && row.blocked_until != base::Time::max()) {
    writer.integer(base::ceil_ms(row.blocked_until.time_since_epoch()));
  } else {
    writer.nil();
  }
  writer.field("rate").text(spelt_point(row.per_second_milli, 3) + "/s");
}

base::Result<std::string> dispatch_host(std::string_view text) {
  if (text.empty() || text.size() > kHostBytesMax)
    return base::invalid("host must have 1 to " + std::to_string(kHostBytesMax) + " bytes, not " +
                             std::to_string(text.size()),
                         "host");
  return lower_case(text);
}

}  // namespace command

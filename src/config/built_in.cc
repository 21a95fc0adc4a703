#include "config/built_in.h"

#include <algorithm>
#include <utility>

namespace config {
namespace {

using limiter::DomainSpec;
using limiter::LimitSpec;
using limiter::NodeSpec;

// Bounds an ACQUIRE of these limits; a delivery's hold follows its lease.
constexpr base::Duration kHoldTtl = std::chrono::hours(12);

LimitSpec limit_named(const char* name, const LimitContext& context) {
  LimitSpec spec;
  spec.name = name;
  spec.mode = context.mode;
  spec.when_gone = context.when_gone;
  return spec;
}

LimitSpec cap(const char* name, int64_t most, const LimitContext& context) {
  LimitSpec spec = limit_named(name, context);
  spec.algorithm = "concurrency";
  spec.law = *limit::Concurrency::make(most, kHoldTtl);
  return spec;
}

// Of requests: a message's cost is what its own limits count.
LimitSpec rate(const char* name, const server::HostRate& rate, const LimitContext& context) {
  LimitSpec spec = limit_named(name, context);
  spec.algorithm = "gcra";
  spec.rate = rate.rate;
  spec.law = *limit::Gcra::make(rate.rate, rate.burst);
  spec.counts = limiter::Counts::kRequests;
  return spec;
}

void add_gateway(const LimitContext& context, std::vector<DomainSpec>& domains) {
  if (std::ranges::find(domains, "gateway", &DomainSpec::name) != domains.end()) return;
  LimitSpec spec = limit_named("", context);
  spec.algorithm = "sliding_window";
  spec.rate = {10, std::chrono::seconds(10)};
  spec.law = *limit::SlidingLog::make(spec.rate);
  NodeSpec node;
  node.key = "client_ip";
  node.limits.push_back(std::move(spec));
  domains.push_back({"gateway", {std::move(node)}, {}});
}

void add_node(std::string_view key, std::string_view value, std::vector<LimitSpec> limits,
              DomainSpec& domain) {
  const bool defined = std::ranges::any_of(domain.nodes, [&](const NodeSpec& node) {
    return node.key == key && (node.value.empty() || node.value == value);
  });
  if (defined) return;
  NodeSpec node;
  node.key = key;
  node.value = value;
  node.limits = std::move(limits);
  domain.nodes.push_back(std::move(node));
}

void add_outbound(const LimitContext& context, const server::DispatchOptions& dispatch,
                  std::vector<DomainSpec>& domains) {
  auto found = std::ranges::find(domains, dispatch::kDomain, &DomainSpec::name);
  if (found == domains.end()) {
    found = domains.insert(found, {std::string(dispatch::kDomain), {}, {}});
  }
  std::vector<LimitSpec> of_host{cap("dispatch-per-host", dispatch.per_host, context)};
  if (dispatch.host_rate)
    of_host.push_back(rate("dispatch-host-rate", *dispatch.host_rate, context));
  add_node(dispatch::kHostKey, "", std::move(of_host), *found);
  add_node(dispatch::kGlobalKey, dispatch::kGlobalValue,
           {cap("dispatch-total", dispatch.total, context)}, *found);
}

}  // namespace

void add_built_in(const LimitContext& context, const server::DispatchOptions& dispatch,
                  std::vector<DomainSpec>& domains) {
  add_gateway(context, domains);
  add_outbound(context, dispatch, domains);
}

bool of_dispatch(const DomainSpec& domain, const NodeSpec& node) {
  return domain.name == dispatch::kDomain && node.mark.file.empty();
}

}  // namespace config

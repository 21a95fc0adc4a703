// Limits that are there though no file says so; a file that defines the same takes their place.
#pragma once
#include <vector>

#include "config/reading.h"
#include "limiter/limits.h"
#include "server/dispatch_options.h"

namespace config {

// Domain `gateway`: client_ip. Domain `outbound`: `host` and `dispatch=global`, beside whatever
// else the file has there.
void add_built_in(const LimitContext& context, const server::DispatchOptions& dispatch,
                  std::vector<limiter::DomainSpec>& domains);

// A node that add_built_in() made of the section `dispatch`: no file has it.
bool of_dispatch(const limiter::DomainSpec& domain, const limiter::NodeSpec& node);

}  // namespace config

// The gateway's routes, of a file and back.
#pragma once
#include <string>
#include <vector>

#include "config/reading.h"
#include "gateway/options.h"

namespace config {

std::vector<gateway::Route> read_routes(const yaml::Node& list, Reading& reading);

// The route of /compute_hash is there though no file says so.
void add_built_in(std::vector<gateway::Route>& routes);

std::string print_route(const gateway::Route& route);  // "{path: /, upstream: …}"

}  // namespace config

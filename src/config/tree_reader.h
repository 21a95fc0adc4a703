// Domains and their trees of descriptors: the `limits` section of our file, and limit files.
#pragma once
#include <vector>

#include "config/reading.h"
#include "limiter/limits.h"

namespace config {

// One domain: a map of `domain` and `descriptors`.
limiter::DomainSpec read_domain(const yaml::Node& node, LimitContext& context, Reading& reading);

// The `limits` section: a list of domains.
std::vector<limiter::DomainSpec> read_domains(const yaml::Node& node, LimitContext& context,
                                              Reading& reading);

// The root of a limit file: one domain, or a map whose only key is `limits`.
std::vector<limiter::DomainSpec> read_limit_file(const yaml::Node& root, LimitContext& context,
                                                 Reading& reading);

}  // namespace config

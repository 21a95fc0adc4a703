// Values as files, variables and flags write them: text to value and back. print_…(parse_…(t))
// spells the same value.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "server/options.h"

namespace config {

// "host:port", "[v6]:port" or "off".
base::Result<server::Address> parse_address(std::string_view text);
std::string print_address(const server::Address& address);

base::Result<std::string> parse_host(std::string_view text);  // "api.example.com"

// A host of this machine alone: 127.0.0.0/8, ::1, "localhost".
bool is_loopback(std::string_view host);

// "10.0.0.0/8" or "fd00::/8"; returned as written.
base::Result<std::string> parse_network(std::string_view text);

// What the address guard may let through: a network, an address, or a name ("hooks.internal",
// "*.svc.local"). Returned as written.
base::Result<std::string> parse_allowed(std::string_view text);

// "64KiB", "1MiB", "2GiB", or bytes.
base::Result<int64_t> parse_size(std::string_view text);
std::string print_size(int64_t bytes);

// "10ms", "30s", "5m", "12h", "7d". >= 0.
base::Result<base::Duration> parse_span(std::string_view text);
std::string print_span(base::Duration span);

base::Result<int64_t> parse_count(std::string_view text);

// A word of a closed set: "must be info or error, not 'x' (info?)".
base::Error unknown_word(std::string_view text, std::span<const std::string_view> words);

}  // namespace config

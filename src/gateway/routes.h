// Which route a request takes.
//
// Paths are compared as their reader will understand them, so that no other spelling gets around a
// route and its limits: escapes of unreserved characters are undone (RFC 3986, 6.2.2.2), dot
// segments are resolved, and slashes in a row are one. What goes upstream is what was received.
//
// Thread: any (immutable).
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/options.h"
#include "gateway/templates.h"

namespace gateway {

// A view of `path`, or of `scratch` if it had to be changed. REQUIRES: it begins with '/'.
std::string_view normal_path(std::string_view path, std::string& scratch);

class Routes {
 public:
  struct Row {
    const Route* route;
    std::string host, path;  // The path without a '/' at its end; "/" is empty.
    std::vector<DescriptorTemplate> descriptors;
    bool computes_hash() const { return route->upstream.empty(); }
  };

  // `options` outlive it. kInvalid names the field: a path that does not begin with '/' or is the
  // gateway's own, a template, an upstream that is no http URL of a host alone, two routes of one
  // host and path.
  static base::Result<Routes> make(const Options& options);

  // `host` as Head has it, `path` normal. Null: none.
  const Row* find(std::string_view host, std::string_view path) const;

 private:
  std::vector<Row> rows_;  // The longest path first; of one path those with a host.
};

inline constexpr std::string_view kHealthPath = "/health";
inline constexpr std::string_view kRegisterPath = "/register_rate_limiter";
inline constexpr std::string_view kDeregisterPath = "/deregister_rate_limiter";
inline constexpr std::string_view kInstancesPath = "/rate_limiters";

}  // namespace gateway

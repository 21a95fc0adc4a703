// What a file can say that makes no sense as a whole: envoyproxy/ratelimit's load errors, with its
// texts, and ours beside them. Syntax and units are found where the file is read.
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "limiter/limits.h"
#include "limiter/wildcard.h"

namespace limiter {

namespace {

class SpecCheck {
 public:
  std::vector<SpecError> run(std::span<const DomainSpec> specs) {
    std::set<std::string_view> names;
    for (const DomainSpec& spec : specs) {
      if (spec.name.empty()) fail(spec.mark, "config file cannot have empty domain");
      if (!spec.name.empty() && !names.insert(spec.name).second)
        fail(spec.mark, "duplicate domain '" + spec.name + "' in config file");
      domain_size_ = spec.name.size() + 1;
      level(spec.nodes, spec.name + ".", 1);
    }
    return std::move(errors_);
  }

 private:
  void fail(const Mark& mark, std::string what) { errors_.push_back({mark, std::move(what)}); }

  // `above`: the domain and the composite keys so far, with a '.' after each.
  void level(std::span<const NodeSpec> nodes, const std::string& above, size_t depth) {
    if (nodes.empty()) return;
    if (depth > kEntriesMax) {
      fail(nodes.front().mark, "descriptors are nested more than " + std::to_string(kEntriesMax) +
                                   " deep under '" + above + "'");
      return;
    }
    std::set<std::pair<std::string_view, std::string_view>> seen;
    for (const NodeSpec& spec : nodes) {
      const std::string composite = spec.value.empty() ? spec.key : spec.key + "_" + spec.value;
      if (spec.key.empty()) {
        fail(spec.mark, "descriptor has empty key");
      } else if (!seen.insert({spec.key, spec.value}).second) {
        fail(spec.mark, "duplicate descriptor composite key '" + above + composite + "'");
      }
      node(spec, composite, above + composite);
      level(spec.nodes, above + composite + ".", depth + 1);
    }
  }

  void node(const NodeSpec& spec, const std::string& composite, const std::string& path) {
    if (spec.share_threshold && !is_wildcard(spec.key) && !is_wildcard(spec.value)) {
      fail(spec.mark,
           "share_threshold can only be used with wildcard values (containing '*'), but found key "
           "'" +
               composite + "'");
    }
    if (spec.limits.size() > kLimitsOfNodeMax) {
      fail(spec.mark, "descriptor '" + path + "' has more than " +
                          std::to_string(kLimitsOfNodeMax) + " limits");
    }
    std::set<std::string> names;
    for (size_t i = 0; i < spec.limits.size(); ++i) {
      const LimitSpec& limit = spec.limits[i];
      const std::string name =
          limit.name.empty() ? default_name(path.substr(domain_size_), i) : limit.name;
      if (!names.insert(name).second)
        fail(limit.mark, "duplicate limit name '" + name + "' on descriptor '" + path + "'");
      replaces(limit);
      if (limit.durable && limit.law && std::holds_alternative<limit::Concurrency>(*limit.law)) {
        fail(limit.mark,
             "a concurrency limit cannot be durable; holds of deliveries survive anyway");
      }
    }
  }

  void replaces(const LimitSpec& limit) {
    for (const std::string& name : limit.replaces) {
      if (name.empty()) {
        fail(limit.mark, "should not have an empty replaces entry");
      } else if (name == limit.name) {
        fail(limit.mark, "replaces should not contain name of same descriptor");
      }
    }
  }

  std::vector<SpecError> errors_;
  size_t domain_size_ = 0;  // Of the domain in `path`, with its '.'.
};

}  // namespace

std::vector<SpecError> Limits::check(std::span<const DomainSpec> specs) {
  return SpecCheck().run(specs);
}

}  // namespace limiter

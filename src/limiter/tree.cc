#include "limiter/tree.h"

#include <utility>

#include "base/check.h"
#include "limiter/wildcard.h"

namespace limiter {

namespace {

bool matches(const Node& wildcard, const Entry& entry) {
  if (!wildcard.pattern.empty())
    return wildcard_match(wildcard.pattern, JoinedEntry(entry.key, entry.value));
  return wildcard.key == entry.key && wildcard_match(wildcard.value, entry.value);
}

std::string joined(std::string_view above, char separator, std::string_view part) {
  std::string text(above);
  if (!text.empty()) text += separator;
  return text.append(part);
}

}  // namespace

Node& Level::add(std::string key, std::string value) {
  const auto number = static_cast<uint32_t>(nodes_.size());
  Node& node = *nodes_.emplace_back(std::make_unique<Node>());
  if (keys_.insert(key, static_cast<uint32_t>(same_key_.size()))) same_key_.emplace_back();
  SameKey& same = same_key_[keys_.find(key)];
  if (value.empty()) {
    same.alone = &node;
  } else {
    CHECK(same.values.insert(value, number));
  }
  if (is_wildcard(key)) node.pattern = value.empty() ? key : key + "_" + value;
  if (is_wildcard(key) || is_wildcard(value)) wildcards_.push_back(&node);
  node.key = std::move(key);
  node.value = std::move(value);
  return node;
}

const Node* Level::find(const Entry& entry) const {
  const uint32_t number = keys_.find(entry.key);
  const SameKey* const same = number == NameMap::kNone ? nullptr : &same_key_[number];
  if (same != nullptr && !entry.value.empty()) {
    const uint32_t exact = same->values.find(entry.value);
    if (exact != NameMap::kNone) return nodes_[exact].get();
  }
  for (const Node* wildcard : wildcards_) {
    if (matches(*wildcard, entry)) return wildcard;
  }
  return same != nullptr ? same->alone : nullptr;
}

Limits::Domain::Domain(std::string domain_name, uint32_t domain_number)
    : name_(std::move(domain_name)), number_(domain_number) {
  append_part(prefix_, name_);
}

void Limits::Domain::block_text(Descriptor descriptor, std::string& text) const {
  text.assign(prefix_);
  for (const Entry& entry : descriptor) {
    append_part(text, entry.key);
    append_part(text, entry.value);
  }
}

base::Status Limits::Domain::add(std::vector<NodeSpec> specs, Laws& laws) {
  for (NodeSpec& spec : specs) {
    if (auto added = add_node(top_, std::move(spec), {}, laws); !added) return added;
  }
  return {};
}

base::Status Limits::Domain::add_node(Level& level, NodeSpec spec, const Path& above, Laws& laws) {
  const Entry entry{spec.key, spec.value};
  const std::string composite = spec.value.empty() ? spec.key : spec.key + "_" + spec.value;
  const std::string step =
      spec.value.empty() ? to_string(std::string_view(spec.key)) : to_string({&entry, 1});
  const Path path{joined(above.full_key, '.', composite), joined(above.descriptor, ',', step)};
  Node& node = level.add(std::move(spec.key), std::move(spec.value));
  node.shared = spec.share_threshold;
  node.limits.reserve(spec.limits.size());
  for (LimitSpec& limit : spec.limits) {
    auto made = make_limit(std::move(limit), node.limits.size(), path, laws);
    if (!made) return std::move(made).error();
    list_.push_back(&node.limits.emplace_back(std::move(*made)));
  }
  for (NodeSpec& child : spec.nodes) {
    if (auto added = add_node(node.below, std::move(child), path, laws); !added) return added;
  }
  return {};
}

base::Result<Limit> Limits::Domain::make_limit(LimitSpec spec, size_t position, const Path& path,
                                               Laws& laws) {
  Limit limit;
  limit.domain = name_;
  limit.name = spec.name.empty() ? default_name(path.full_key, position) : spec.name;
  limit.descriptor = path.descriptor;
  // Names of one node differ, and a named limit keeps its states when it moves within its node.
  limit.salt = spec.name.empty() ? position : base::hash128(spec.name, 0).low;
  if (spec.law) {
    const auto number = laws.number(*spec.law);
    if (!number) return number.error();
    limit.law_number = *number;
  }
  any_replaces_ |= !spec.replaces.empty();
  limit.spec = std::move(spec);
  return limit;
}

}  // namespace limiter

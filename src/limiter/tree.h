// The tree of one domain: levels of nodes, each found by one entry of a descriptor.
//
//   domain api                         descriptor             finds
//   ├─ client_ip            (limit)    client_ip=10.0.0.1     the node client_ip
//   └─ tenant               (limit)    tenant=acme            the node tenant=acme
//   └─ tenant=acme          (limit)    tenant=acme,path=/x    nothing: acme has no children
//      tenant                          tenant=bob,path=/s1    path=/s* below tenant
//      └─ path=/s*          (limit)    tenant=bob,user=1      nothing
//
// A level keeps its nodes by key, then by value, so an entry is looked up without joining it.
#pragma once
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "limiter/limits.h"
#include "limiter/name_map.h"

namespace limiter {

struct Node;

class Level {
 public:
  // REQUIRES: no node has this key and value yet.
  Node& add(std::string key, std::string value);

  // The exact (key, value), else the first wildcard in file order, else the key alone.
  const Node* find(const Entry& entry) const;

 private:
  struct SameKey {
    const Node* alone = nullptr;  // The node that has this key and no value.
    NameMap values;               // Numbers index nodes_.
  };
  NameMap keys_;  // Numbers index same_key_.
  std::vector<SameKey> same_key_;
  std::vector<const Node*> wildcards_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

struct Node {
  std::string key, value;  // As the file spells them.
  std::string pattern;     // Of a wildcard in the key: "key" or "key_value". Else empty.
  bool shared = false;     // share_threshold: what it matches shares one state.
  std::vector<Limit> limits;
  Level below;
};

class Limits::Domain {
 public:
  Domain(std::string domain_name, uint32_t domain_number);

  const std::string& name() const { return name_; }
  uint32_t number() const { return number_; }          // Counts up in the order of the specs.
  bool any_replaces() const { return any_replaces_; }  // Does any limit displace another?
  const Level& top() const { return top_; }
  const std::vector<const Limit*>& in_file_order() const { return list_; }
  std::string_view prefix() const { return prefix_; }  // What its states' key texts begin with.

  // The text that a block of `descriptor` is keyed by: its own values, shared or not.
  void block_text(Descriptor descriptor, std::string& text) const;

  base::Status add(std::vector<NodeSpec> specs, Laws& laws);  // kFull: too many laws.

 private:
  struct Path {              // Where in the tree a node hangs.
    std::string full_key;    // envoyproxy/ratelimit's, without the domain: "tenant_acme.path".
    std::string descriptor;  // For listings: "tenant=acme,path".
  };
  base::Status add_node(Level& level, NodeSpec spec, const Path& above, Laws& laws);
  base::Result<Limit> make_limit(LimitSpec spec, size_t position, const Path& path, Laws& laws);

  std::string name_;
  uint32_t number_;
  std::string prefix_;
  bool any_replaces_ = false;
  Level top_;
  std::vector<const Limit*> list_;
};

// A part of a key's text, its length first, so that no two lists of parts have the same text.
// Parts are below 4 GiB: every protocol bounds them far below that.
inline void append_part(std::string& text, std::string_view part) {
  const auto size = static_cast<uint32_t>(part.size());
  char length[sizeof size];
  std::memcpy(length, &size, sizeof size);
  text.append(length, sizeof length);
  text.append(part);
}

}  // namespace limiter

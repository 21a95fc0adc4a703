// Which node of a cluster has a key: 16384 slots, each with one master.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/options.h"
#include "redis/reply.h"

namespace redis {

inline constexpr size_t kSlots = 16384;

// CRC16 of the key's hash tag ("{…}", if there is a non-empty one), modulo 16384.
uint16_t slot_of(std::string_view key);

// "MOVED 3999 127.0.0.1:6381", "ASK 3999 [::1]:6381". A host that is not said is `from`'s.
struct Redirect {
  bool ask = false;
  uint16_t slot = 0;
  Node to;
};
std::optional<Redirect> parse_redirect(std::string_view error, const Node& from);

class SlotMap {
 public:
  // Of what CLUSTER SLOTS answers; a host that is not said is `from`'s. Nothing: it is not that, or
  // names no node.
  static std::optional<SlotMap> of(const Reply& reply, const Node& from);

  const Node* owner(uint16_t slot) const;  // Null: nobody has it.
  void move(uint16_t slot, const Node& to);
  const std::vector<Node>& masters() const { return masters_; }

 private:
  static constexpr uint16_t kNobody = 0xffff;
  uint16_t index_of(const Node& node);

  std::vector<Node> masters_;
  std::vector<uint16_t> owners_ = std::vector<uint16_t>(kSlots, kNobody);  // Indexes of masters_.
};

}  // namespace redis

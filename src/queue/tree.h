// A treap (C. R. Aragon, R. Seidel, 1989) through two links of its members: an ordered set without
// memory of its own. Its weights are a hash of the slots, so equal calls build equal trees. Any
// member can be taken out, and a walk in order starts anywhere. Expected O(log n); what goes in at
// an end or comes out there walks one spine.
#pragma once
#include <cstdint>

#include "queue/slab.h"

namespace queue {

// Of Order: `uint32_t& left(slot)`, `uint32_t& right(slot)`, `bool before(slot, slot)`: a strict
// order that does not change for members. An empty tree is the root kNone.
template <typename Order>
class Tree {
 public:
  explicit Tree(Order order) : order_(order) {}

  void insert(uint32_t& root, uint32_t slot) {
    uint32_t* link = &root;
    while (*link != kNone && weight(*link) >= weight(slot)) link = side(*link, slot);
    uint32_t rest = *link;
    *link = slot;
    uint32_t* low = &order_.left(slot);
    uint32_t* high = &order_.right(slot);
    while (rest != kNone) {  // Split what was below.
      if (order_.before(rest, slot)) {
        *low = rest;
        low = &order_.right(rest);
        rest = *low;
      } else {
        *high = rest;
        high = &order_.left(rest);
        rest = *high;
      }
    }
    *low = *high = kNone;
  }

  void erase(uint32_t& root, uint32_t slot) {  // REQUIRES: it is a member.
    uint32_t* link = &root;
    while (*link != slot) link = side(*link, slot);
    uint32_t low = order_.left(slot), high = order_.right(slot);
    while (low != kNone && high != kNone) {  // Join what was below.
      if (weight(low) >= weight(high)) {
        *link = low;
        link = &order_.right(low);
        low = *link;
      } else {
        *link = high;
        link = &order_.left(high);
        high = *link;
      }
    }
    *link = low != kNone ? low : high;
  }

  uint32_t first(uint32_t root) {  // kNone: empty.
    if (root == kNone) return kNone;
    for (uint32_t left; (left = order_.left(root)) != kNone;) root = left;
    return root;
  }

  uint32_t after(uint32_t root, uint32_t slot) {  // REQUIRES: it is a member. kNone: the last.
    uint32_t best = kNone;
    while (root != kNone) {
      if (order_.before(slot, root)) {
        best = root;
        root = order_.left(root);
      } else {
        root = order_.right(root);
      }
    }
    return best;
  }

 private:
  static uint32_t weight(uint32_t slot) {
    uint32_t x = slot + 0x9e3779b9u;
    x = (x ^ (x >> 16)) * 0x85ebca6bu;
    x = (x ^ (x >> 13)) * 0xc2b2ae35u;
    return x ^ (x >> 16);
  }
  uint32_t* side(uint32_t at, uint32_t slot) {
    return order_.before(slot, at) ? &order_.left(at) : &order_.right(at);
  }

  Order order_;
};

}  // namespace queue

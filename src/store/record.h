// What the store keeps of a reservation or hold, so that any instance can end it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "limiter/gather.h"

namespace store {

struct Record {
  struct Charge {       // One state that was charged.
    std::string name;   // Its key.
    std::string law;    // Law::name() of what it was charged under.
    int64_t at = 0;     // By the store's clock, us.
    int64_t cost = 0;   // In all.
    int64_t times = 0;  // How many descriptors met in it.
    bool counts_cost = true;
    bool hold = false;
  };

  std::string domain;
  std::vector<std::vector<std::pair<std::string, std::string>>> descriptors;
  int64_t cost = 0;
  std::vector<Charge> charges;

  std::string encode() const;
  static std::optional<Record> decode(std::string_view bytes);  // Nothing: it is none of ours.
};

}  // namespace store

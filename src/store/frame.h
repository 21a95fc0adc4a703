// One call of a script: its keys, each once, and the laws of its states.
//
// Numbers of states, flags and blocks count from 1 within a call, as the script counts.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "limiter/law.h"
#include "limiter/watchers.h"
#include "store/law.h"

namespace store {

class Frame {
 public:
  static constexpr size_t kLawsMax = 255;  // A byte for each state says which.

  // `name()` makes the key of a state that is new here. REQUIRES: has_room(1).
  template <typename Name>
  uint16_t state(base::Hash128 key, limiter::LawNumber number, const Law& law, base::Time about,
                 Name&& name) {
    const auto [at, added] = numbers_.try_emplace(key, static_cast<uint16_t>(states_.size() + 1));
    if (added) {
      states_.push_back(name());
      law_of_ += law_index(number, law, about);
    }
    return at->second;
  }
  void flag(const std::string& name) {
    number_of(flags_, name);
    flag_count_ = std::to_string(flags_.size());
  }
  uint16_t block(const std::string& name) { return number_of(blocks_, name); }

  bool has_room(size_t more_laws) const { return laws_.size() + more_laws <= kLawsMax; }
  size_t keys() const { return states_.size() + flags_.size() + blocks_.size(); }
  size_t flags() const { return flags_.size(); }
  size_t blocks() const { return blocks_.size(); }

  // What Client::run() takes; views live as long as the frame and `rest`.
  struct Words {
    std::vector<std::string_view> keys, arguments;
  };
  Words words(std::string_view clock, std::string_view rest,
              const std::vector<std::string>& extra) const;

 private:
  char law_index(limiter::LawNumber number, const Law& law, base::Time about);
  static uint16_t number_of(std::vector<std::string>& names, const std::string& name);

  std::vector<std::string> states_, flags_, blocks_;
  std::unordered_map<base::Hash128, uint16_t, limiter::HashOfKey> numbers_;
  std::vector<limiter::LawNumber> laws_;
  std::string packed_, law_of_;
  std::string flag_count_ = "0";
};

// Numbers as the scripts read them.
void put_byte(std::string& out, uint8_t value);
void put_short(std::string& out, uint16_t value);
void put_number(std::string& out, int64_t value);  // REQUIRES: |value| <= 2^53.
int64_t number_at(std::string_view bytes, size_t at);

}  // namespace store

// What the store's keys are called.
//
//   PREFIX{TAG}sTEXT     a state: of the first limit of a descriptor (limiter/limits.h, match())
//   PREFIX{TAG}tSALTTEXT           of another one; SALT has 8 bytes
//   PREFIX{TAG}bTEXT     a block       PREFIX{TAG}f      set while the domain may have blocks
//   PREFIX{ID}o          a reservation or hold that is open; with Placement::kDomain, {TAG}oID
//   PREFIX{instances}    who is there
//
// TEXT is domain and entries with their lengths; one that is long is its SHA-256, cut to 128 bits
// (capitals S, T, B). TAG is what a cluster places a key by: the domain, or (kSpread) a hash of the
// text, so that the limits of one descriptor and its block are together.
#pragma once
#include <string>
#include <string_view>

#include "base/hash.h"
#include "store/store.h"

namespace store {

class KeyNames {
 public:
  KeyNames(std::string prefix, Placement placement)
      : prefix_(std::move(prefix)), placement_(placement) {}

  Placement placement() const { return placement_; }
  // Of the domain's keys: its name, if that is short and plain, else a hash of it.
  static std::string tag_of_domain(std::string_view domain);
  static std::string tag_of_text(std::string_view text);

  std::string state(std::string_view tag, std::string_view text, uint64_t salt) const;
  std::string block(std::string_view tag, std::string_view text) const;
  std::string flag(std::string_view tag) const;
  std::string instances() const { return prefix_ + "{instances}"; }

  // Ids of reservations and holds: what limiter::Ids made, and the tag, so that any instance finds
  // it. opening() of an id that is none is empty.
  std::string id(std::string_view made, std::string_view tag) const;
  std::string opening(std::string_view id) const;

 private:
  std::string head(std::string_view tag) const;

  std::string prefix_;
  Placement placement_;
};

}  // namespace store

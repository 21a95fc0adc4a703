// Which limits exist, and which of them a descriptor meets.
//
// A descriptor is an ordered path of (key, value) entries; limits hang on a tree of such paths, one
// tree a domain, with the lookup rules of envoyproxy/ratelimit (docs/limits.md):
//   at each level the exact (key, value), else the wildcard values in file order, else the key
//   alone; the first hit wins and there is no way back; only limits of the last entry's node count.
// Each runtime value has a state of its own, also under a wildcard or a key alone, unless the node
// says share_threshold.
//
// Specs are what a file says; Limits is what they compile to: immutable, shared by all threads,
// replaced as a whole on reload.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "limiter/law.h"

namespace limiter {

struct Entry {
  std::string_view key, value;
};
using Descriptor = std::span<const Entry>;

inline constexpr size_t kDescriptorsMax = 32;
inline constexpr size_t kEntriesMax = 16;
inline constexpr size_t kLimitsOfNodeMax = 64;

// As commands spell it: "tenant=acme,path=/a%20b". A part alone: "/a%20b".
std::string to_string(Descriptor descriptor);
std::string to_string(std::string_view part);

// The name of a limit that the file gives none: "tenant_acme.path", then "tenant_acme.path#2" (its
// position in its node is counted from 0).
std::string default_name(std::string_view full_key, size_t position);

enum class Counts : uint8_t { kCost, kRequests };
enum class Mode : uint8_t { kGranted, kStrict };            // Over a store.
enum class WhenGone : uint8_t { kLocal, kRefuse, kAllow };  // When the store is gone.

struct Mark {  // Where in which file; for errors.
  std::string file;
  int line = 0, column = 0;  // From 1; 0: unknown.
};

struct LimitSpec {
  std::string name;        // Empty: Envoy's full key without the domain, "#2" for the second.
  std::string algorithm;   // As the file spells it: gcra, token_bucket, …, concurrency.
  std::optional<Law> law;  // Nothing: unlimited (matches, counts nothing, always allows).
  limit::Rate rate;        // For listings; count 0 with concurrency.
  std::string zone;        // Of a calendar window: its zone's name; for listings.
  Counts counts = Counts::kCost;
  int64_t overdraft = 0;
  Mode mode = Mode::kGranted;
  WhenGone when_gone = WhenGone::kLocal;
  bool durable = false;  // Survives a crash of the process (limiter/journal.h). Not of shadows.
  bool shadow = false;
  bool quota = false;                 // Envoy's quota_mode.
  std::vector<std::string> replaces;  // Names of limits that this one displaces in a decision.
  Mark mark;
};

struct NodeSpec {
  std::string key, value;  // value: empty = any; '*' = wildcard.
  std::vector<LimitSpec> limits;
  bool share_threshold = false;
  std::vector<NodeSpec> nodes;
  Mark mark;
};

struct DomainSpec {
  std::string name;
  std::vector<NodeSpec> nodes;
  Mark mark;
};

struct SpecError {
  Mark mark;
  std::string what;
};

// One compiled limit. Thread: any (immutable).
struct Limit {
  std::string domain;
  std::string name;        // Unique within its node.
  std::string descriptor;  // The path in the tree, as "tenant=acme,path=/search*"; for listings.
  LimitSpec spec;
  LawNumber law_number = kAdHoc;
  uint64_t salt = 0;  // Tells the states of several limits of one descriptor apart.
};

class NameMap;

class Limits {
 public:
  Limits();  // Of no domain.
  ~Limits();

  // All errors of the specs, or the compiled limits. A domain in two specs is an error.
  static std::vector<SpecError> check(std::span<const DomainSpec> specs);
  // Shared, because threads keep the limits that they began a batch with while a reload puts others
  // in their place. kInvalid: check() finds errors; kFull: `laws` is.
  static base::Result<std::shared_ptr<const Limits>> compile(std::vector<DomainSpec> specs,
                                                             Laws& laws);

  class Domain;
  const Domain* find(std::string_view domain) const;  // Null: unknown.

  // The limits that `descriptor` meets (may be empty), and the text whose hash is their states'
  // key: written to `key` as length-prefixed domain and entries (shared values replaced). Without
  // limits the text means nothing. A state's own key is base::salted(hash of the text, limit.salt).
  static std::span<const Limit> match(const Domain& domain, Descriptor descriptor,
                                      std::string& key);
  std::vector<const Limit*> list(std::string_view domain) const;  // Empty name: all, in file order.
  std::vector<std::string> domains() const;                       // In file order.

 private:
  std::unique_ptr<NameMap> names_;  // Numbers index domains_.
  std::vector<std::unique_ptr<Domain>> domains_;
};

}  // namespace limiter

// One YAML document as a tree of plain values that know their place.
//
// The library's events are turned into our own tree, because a file may be hostile or wrong in ways
// that its tree hides: duplicate keys, aliases that multiply (or contain themselves), depth.
// Everything is bounded; no exception of the library leaves this file.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/problem.h"

namespace config::yaml {

inline constexpr size_t kFileBytesMax = size_t{16} << 20;
inline constexpr size_t kTreeBytesMax = size_t{256} << 20;  // Aliases included, each as a copy.
inline constexpr int kDepthMax = 100;

struct Entry;

struct Node {
  enum class Kind : uint8_t { kNull, kText, kList, kMap };
  Kind kind = Kind::kNull;
  bool plain = false;          // Text without quotes: may mean a number or a truth.
  int line = 0, column = 0;    // From 1. Of null: where its key or dash stands.
  std::string text;            // kText.
  std::vector<Node> items;     // kList.
  std::vector<Entry> entries;  // kMap, in file order; keys are distinct texts.

  bool is_null() const { return kind == Kind::kNull; }
  bool is_text() const { return kind == Kind::kText; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_map() const { return kind == Kind::kMap; }
  const Node* find(std::string_view key) const;  // The value of a map's key, or null.
};

struct Entry {
  Node key, value;
};

// What a plain text means to YAML.
enum class Meaning : uint8_t { kText, kTruth, kInteger, kFloat, kNull };
Meaning meaning(const Node& node);             // kText for everything quoted.
std::string_view kind_name(const Node& node);  // "a list", "a map", "text", "nothing".

// The document; an empty one is null. What cannot be parsed is reported, with `ok` false; a key
// that is no text or stands twice is reported and left out, so that reading goes on.
struct Document {
  Node root;
  bool ok = true;
};
Document parse(const std::string& text, const std::string& file, Problems& problems);

}  // namespace config::yaml

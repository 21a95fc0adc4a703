#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

namespace config::yaml {
namespace {

struct Stop {  // Thrown through the library's parser, caught in parse().
  int line, column;
  std::string what;
};

size_t weight(const Node& node) {
  size_t sum = sizeof(Node) + node.text.size();
  for (const Node& item : node.items) sum += weight(item);
  for (const auto& [key, value] : node.entries) sum += weight(key) + weight(value);
  return sum;
}

int height(const Node& node) {
  int most = 0;
  for (const Node& item : node.items) most = std::max(most, height(item));
  for (const auto& [key, value] : node.entries) most = std::max(most, height(value));
  return most + 1;
}

// Builds the tree from the parser's events.
class Builder : public YAML::EventHandler {
 public:
  Builder(const std::string& file, Problems& problems) : file_(file), problems_(problems) {}

  Node root;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      throw Stop{mark.line + 1, mark.column + 1, "a second document in one file"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    put(make(Node::Kind::kNull, mark), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = make(Node::Kind::kText, mark);
    node.plain = tag == "?";
    node.text = value;
    charge(node.text.size(), mark);
    // The library hands on a bare "~" or nothing as null, but not the word.
    if (node.plain && meaning(node) == Meaning::kNull) node.kind = Node::Kind::kNull;
    put(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw Stop{mark.line + 1, mark.column + 1, "an alias inside the value that it stands for"};
    }
    Node copy = found->second.node;
    charge(found->second.weight, mark);
    if (static_cast<int>(open_.size()) + found->second.height > kDepthMax) too_deep(mark);
    put(std::move(copy), 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(make(Node::Kind::kList, mark), anchor, mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(make(Node::Kind::kMap, mark), anchor, mark);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    std::optional<Node> key;                    // Of a map: the key that waits for its value.
    std::unordered_map<std::string, int> keys;  // And the line of each key so far.
    bool drop_value = false;                    // The key was no good; so is its value.
  };
  struct Anchored {
    Node node;
    size_t weight;
    int height;
  };

  Node make(Node::Kind kind, const YAML::Mark& mark) {
    charge(sizeof(Node), mark);
    Node node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }
  void charge(size_t bytes, int line, int column) {
    bytes_ += bytes;
    if (bytes_ > kTreeBytesMax) throw Stop{line, column, "over 256 MiB, its aliases counted"};
  }
  void charge(size_t bytes, const YAML::Mark& mark) {
    charge(bytes, mark.line + 1, mark.column + 1);
  }
  [[noreturn]] static void too_deep(const YAML::Mark& mark) {
    throw Stop{mark.line + 1, mark.column + 1,
               "nested more than " + std::to_string(kDepthMax) + " deep"};
  }
  void open(Node node, YAML::anchor_t anchor, const YAML::Mark& mark) {
    if (static_cast<int>(open_.size()) >= kDepthMax) too_deep(mark);
    open_.push_back({std::move(node), anchor, {}, {}, false});
  }
  void close() {
    Open last = std::move(open_.back());
    open_.pop_back();
    put(std::move(last.node), last.anchor);
  }
  void put(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) keep(node, anchor);
    if (open_.empty()) {
      root = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.is_list()) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      put_key(parent, std::move(node));
    } else {
      put_value(parent, std::move(node));
    }
  }
  void keep(const Node& node, YAML::anchor_t anchor) {
    const size_t bytes = weight(node);
    charge(bytes, node.line, node.column);
    anchors_[anchor] = {node, bytes, height(node)};
  }
  void put_key(Open& map, Node key) {
    map.drop_value = !key.is_text();
    if (!key.is_text() && !key.is_null()) fail(key, "a key must be text, not " + kind_text(key));
    if (key.is_null()) fail(key, "config error, key is not of type string: null");
    if (key.is_text()) {
      const auto [first, fresh] = map.keys.emplace(key.text, key.line);
      if (!fresh) {
        fail(key, "duplicate key '" + shown(key.text) + "' (first on line " +
                      std::to_string(first->second) + ")");
        map.drop_value = true;
      }
    }
    map.key = std::move(key);
  }
  void put_value(Open& map, Node value) {
    if (value.is_null()) {  // Its own mark is that of whatever comes next.
      value.line = map.key->line;
      value.column = map.key->column;
    }
    if (!map.drop_value) map.node.entries.push_back({std::move(*map.key), std::move(value)});
    map.key.reset();
  }
  static std::string kind_text(const Node& node) { return std::string(kind_name(node)); }
  void fail(const Node& node, std::string_view what) {
    problems_.add({file_, node.line, node.column}, what);
  }

  const std::string& file_;
  Problems& problems_;
  int documents_ = 0;
  size_t bytes_ = 0;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
};

struct Place {
  int line = 0, column = 0;
};

// The first tab in the indentation of the last lines up to `line`: nearly always the reason why the
// library does not understand that line, whatever it says.
std::optional<Place> tab_before(const std::string& text, int line) {
  std::istringstream lines(text);
  std::string content;
  std::optional<Place> found;
  for (int number = 1; number <= line && std::getline(lines, content); ++number) {
    const size_t tab = content.find_first_not_of(' ');
    if (tab == content.npos || content[tab] != '\t') continue;
    if (content.find_first_not_of(" \t\r") == content.npos) continue;
    if (number + 1 >= line) found = Place{number, static_cast<int>(tab) + 1};
    if (found) break;
  }
  return found;
}

void report_syntax(const std::string& text, const std::string& file, const YAML::Exception& error,
                   Problems& problems) {
  const int line = error.mark.line + 1;
  if (const std::optional<Place> tab = tab_before(text, line)) {
    problems.add({file, tab->line, tab->column}, "a tab in the indentation; YAML wants spaces");
    return;
  }
  std::string what = error.msg;
  if (what == "bad file") what = "not YAML";
  problems.add({file, line, error.mark.column + 1}, "not YAML: " + shown(what));
}

bool all_of_class(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == text.npos;
}

bool is_integer(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text.starts_with("0x")) return all_of_class(text.substr(2), "0123456789abcdefABCDEF_");
  return !text.starts_with('_') && all_of_class(text, "0123456789_");
}

bool is_float(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text == ".inf" || text == ".Inf" || text == ".INF") return true;
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return true;
  const size_t exponent = text.find_first_of("eE");
  std::string_view digits = text.substr(0, exponent);
  if (exponent != text.npos) {
    std::string_view power = text.substr(exponent + 1);
    if (power.starts_with('-') || power.starts_with('+')) power.remove_prefix(1);
    if (!all_of_class(power, "0123456789")) return false;
  } else if (digits.find('.') == digits.npos) {
    return false;
  }
  return all_of_class(digits, "0123456789.") && std::ranges::count(digits, '.') <= 1 &&
         digits != ".";
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  const auto found =
      std::ranges::find_if(entries, [&](const auto& entry) { return entry.key.text == key; });
  return found == entries.end() ? nullptr : &found->value;
}

Meaning meaning(const Node& node) {
  if (node.kind == Node::Kind::kNull) return Meaning::kNull;
  if (!node.plain) return Meaning::kText;
  static const std::unordered_set<std::string_view> kNulls{"", "~", "null", "Null", "NULL"};
  static const std::unordered_set<std::string_view> kTruths{
      "true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES",
      "no",   "No",   "NO",   "on",    "On",    "ON",    "off", "Off", "OFF"};
  if (kNulls.contains(node.text)) return Meaning::kNull;
  if (kTruths.contains(node.text)) return Meaning::kTruth;
  if (is_integer(node.text)) return Meaning::kInteger;
  return is_float(node.text) ? Meaning::kFloat : Meaning::kText;
}

std::string_view kind_name(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kText:
      return "text";
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
  }
  return "nothing";
}

Document parse(const std::string& text, const std::string& file, Problems& problems) {
  Builder builder(file, problems);
  try {
    std::istringstream in(text);
    // The library takes an empty stream for a missing file.
    if (!text.empty()) {
      YAML::Parser parser(in);
      while (parser.HandleNextDocument(builder)) {
      }
    }
    return {std::move(builder.root), true};
  } catch (const Stop& stop) {
    problems.add({file, stop.line, stop.column}, stop.what);
  } catch (const YAML::Exception& error) {
    report_syntax(text, file, error, problems);
  } catch (const std::exception& error) {
    problems.add({file, 0, 0}, "not YAML: " + shown(error.what()));
  }
  return {{}, false};
}

}  // namespace config::yaml

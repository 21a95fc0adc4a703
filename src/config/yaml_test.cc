#include "config/yaml.h"

#include <gtest/gtest.h>

#include "config/bed.h"

namespace config::yaml {
namespace {

Document parsed(const std::string& text, std::string& problems) {
  Problems found;
  Document document = parse(text, "f", found);
  problems = text_of(found.sorted());
  return document;
}

std::string problems_in(const std::string& text) {
  std::string problems;
  parsed(text, problems);
  return problems;
}

Node tree(const std::string& text) {
  std::string problems;
  Node root = parsed(text, problems).root;
  EXPECT_EQ(problems, "");
  return root;
}

TEST(Yaml, NodesKnowTheirPlace) {
  const Node root = tree("a: 1\nb:\n  - c\n  - {d: e}\n");
  ASSERT_TRUE(root.is_map());
  const Node& list = *root.find("b");
  ASSERT_EQ(list.items.size(), 2u);
  EXPECT_EQ(list.items[0].line, 3);
  EXPECT_EQ(list.items[0].column, 5);
  EXPECT_EQ(list.items[1].find("d")->column, 9);
  EXPECT_EQ(root.find("nothing"), nullptr);
}

TEST(Yaml, NothingStandsWhereItsKeyStands) {
  const Node root = tree("a:\nb: ~\nc: null\n");
  for (const auto& [key, value] : root.entries) {
    EXPECT_TRUE(value.is_null()) << key.text;
    EXPECT_EQ(value.line, key.line);
    EXPECT_EQ(value.column, 1);
  }
}

TEST(Yaml, EmptyTextIsNothingAndNoProblem) {
  EXPECT_TRUE(tree("").is_null());
  EXPECT_TRUE(tree("# a comment\n").is_null());
  EXPECT_TRUE(tree("---\n").is_null());
}

TEST(Yaml, QuotedTextMeansNothingElse) {
  const Node root = tree("a: [1, \"1\", 'yes', yes, 1.5, 0x1F, -.inf, 1e3, 1.2.3, /x, 10/s]");
  const std::vector<Meaning> expected{Meaning::kInteger, Meaning::kText,  Meaning::kText,
                                      Meaning::kTruth,   Meaning::kFloat, Meaning::kInteger,
                                      Meaning::kFloat,   Meaning::kFloat, Meaning::kText,
                                      Meaning::kText,    Meaning::kText};
  const std::vector<Node>& items = root.find("a")->items;
  ASSERT_EQ(items.size(), expected.size());
  for (size_t i = 0; i < items.size(); ++i) EXPECT_EQ(meaning(items[i]), expected[i]) << i;
}

TEST(Yaml, DuplicateKeyIsAProblemAndReadingGoesOn) {
  std::string problems;
  const Document document = parsed("a: 1\nb: 2\na: 3\nc: {x: 1, x: 2}\n", problems);
  EXPECT_EQ(problems,
            "f:3:1: duplicate key 'a' (first on line 1)\n"
            "f:4:11: duplicate key 'x' (first on line 4)\n");
  EXPECT_TRUE(document.ok);
  EXPECT_EQ(document.root.find("a")->text, "1");
  EXPECT_EQ(document.root.entries.size(), 3u);
}

TEST(Yaml, TabInTheIndentationIsNamed) {
  EXPECT_EQ(problems_in("a:\n\tb: 1\n"), "f:2:1: a tab in the indentation; YAML wants spaces\n");
  EXPECT_EQ(problems_in("a:\n  b: 1\n  \tc: 1\n"),
            "f:3:3: a tab in the indentation; YAML wants spaces\n");
}

TEST(Yaml, TabElsewhereIsNoProblem) {
  EXPECT_EQ(tree("a:\t1\t# one\n").find("a")->text, "1");
  EXPECT_EQ(tree("a: {b: 1,\n\tc: 2}\n").find("a")->entries.size(), 2u);
}

TEST(Yaml, SyntaxErrorHasAPlace) {
  EXPECT_EQ(problems_in("a: [1, 2\nb: 3"), "f:2:2: not YAML: end of sequence flow not found\n");
  EXPECT_EQ(problems_in("a: 1\n  b: 2\n"), "f:2:4: not YAML: illegal map value\n");
  EXPECT_EQ(problems_in("a: *nope"), "f:1:4: not YAML: the referenced anchor is not defined\n");
}

TEST(Yaml, KeyMustBeText) {
  EXPECT_EQ(problems_in("? {a: b}\n: c\n"), "f:1:3: a key must be text, not a map\n");
  EXPECT_EQ(problems_in("? [a]\n: c\n"), "f:1:3: a key must be text, not a list\n");
  EXPECT_EQ(problems_in("~: c\n"), "f:1:1: config error, key is not of type string: null\n");
}

TEST(Yaml, SecondDocumentIsRefused) {
  EXPECT_EQ(problems_in("a: 1\n---\nb: 2\n"), "f:2:1: a second document in one file\n");
}

TEST(Yaml, AliasStandsForItsValue) {
  const Node root = tree("a: &x {b: 1}\nc: [*x, *x]\n");
  ASSERT_EQ(root.find("c")->items.size(), 2u);
  EXPECT_EQ(root.find("c")->items[1].find("b")->text, "1");
}

TEST(Yaml, AliasThatMultipliesIsStopped) {
  std::string text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'k'; ++c) {
    const std::string last = std::string(1, static_cast<char>(c - 1));
    text += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) text += (i > 0 ? ", *" : "*") + last;
    text += "]\n";
  }
  EXPECT_EQ(problems_in(text), "f:7:8: over 256 MiB, its aliases counted\n");
}

TEST(Yaml, AliasInsideItsOwnValueIsRefused) {
  EXPECT_EQ(problems_in("a: &a [1, *a]\n"),
            "f:1:11: an alias inside the value that it stands for\n");
}

TEST(Yaml, DepthIsBounded) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_EQ(problems_in(nested(kDepthMax)), "");
  EXPECT_EQ(problems_in(nested(kDepthMax + 1)), "f:1:101: nested more than 100 deep\n");
  EXPECT_EQ(problems_in(nested(100'000)), "f:1:101: nested more than 100 deep\n");
  EXPECT_EQ(problems_in("a: &a " + nested(60) + "\nb: " + std::string(50, '[') + "*a" +
                        std::string(50, ']') + "\n"),
            "f:2:54: nested more than 100 deep\n");
}

}  // namespace
}  // namespace config::yaml

#include "limiter/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "limiter/tree.h"
#include "limiter/wildcard.h"

namespace limiter {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

LimitSpec named(std::string name) {
  LimitSpec spec;
  spec.name = std::move(name);
  spec.algorithm = "unlimited";
  return spec;
}

NodeSpec node(std::string key, std::string value, std::vector<LimitSpec> limits = {},
              std::vector<NodeSpec> nodes = {}) {
  NodeSpec spec;
  spec.key = std::move(key);
  spec.value = std::move(value);
  spec.limits = std::move(limits);
  spec.nodes = std::move(nodes);
  return spec;
}

DomainSpec domain(std::vector<NodeSpec> nodes, std::string name = "d") {
  DomainSpec spec;
  spec.name = std::move(name);
  spec.nodes = std::move(nodes);
  return spec;
}

std::vector<std::string> errors_of(std::vector<DomainSpec> specs) {
  std::vector<std::string> texts;
  for (const SpecError& error : Limits::check(specs)) texts.push_back(error.what);
  return texts;
}

// Unlimited limits only, so that no law is needed to look one up.
class Lookup {
 public:
  explicit Lookup(std::vector<NodeSpec> nodes) {
    std::vector<DomainSpec> specs;
    specs.push_back(domain(std::move(nodes)));
    limits_ = Limits::compile(std::move(specs), laws_).value();
  }
  std::vector<std::string> names(std::vector<Entry> descriptor) {
    std::vector<std::string> found;
    for (const Limit& limit : Limits::match(*limits_->find("d"), descriptor, key))
      found.push_back(limit.name);
    return found;
  }
  const Limits& limits() { return *limits_; }
  std::string key;  // Of the last look-up.

 private:
  Laws laws_;
  std::shared_ptr<const Limits> limits_;
};

TEST(Wildcard, StarsMatchAnyRun) {
  const auto match = [](std::string_view pattern, std::string_view text) {
    return wildcard_match(pattern, text);
  };
  EXPECT_TRUE(match("*", ""));
  EXPECT_TRUE(match("/a*", "/a"));
  EXPECT_TRUE(match("/a*/b*c", "/axx/b/bc"));
  EXPECT_TRUE(match("**x", "abx"));
  EXPECT_FALSE(match("/a*", "/b"));
  EXPECT_FALSE(match("a*b", "abc"));
  EXPECT_FALSE(match("", "a"));
}

// The definition, spelled out: '*' is either nothing or one byte and itself again.
bool by_definition(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return by_definition(pattern.substr(1), text) ||
           (!text.empty() && by_definition(pattern, text.substr(1)));
  }
  return !text.empty() && text[0] == pattern[0] && by_definition(pattern.substr(1), text.substr(1));
}

RC_GTEST_PROP(Wildcard, AgreesWithItsDefinition, ()) {
  const auto some = rc::gen::container<std::string>(rc::gen::element('a', 'b', '*'));
  const std::string pattern = (*some).substr(0, 8);
  const std::string text = (*some).substr(0, 10);
  RC_ASSERT(wildcard_match(pattern, std::string_view(text)) == by_definition(pattern, text));
}

RC_GTEST_PROP(Wildcard, AJoinedEntryIsItsText, ()) {
  const auto key = *rc::gen::arbitrary<std::string>();
  const auto value = *rc::gen::arbitrary<std::string>();
  const JoinedEntry joined(key, value);
  std::string text;
  for (size_t i = 0; i < joined.size(); ++i) text += joined[i];
  RC_ASSERT(text == key + "_" + value);
}

TEST(NameMap, FindsWhatWasInsertedAndNothingElse) {
  NameMap map;
  EXPECT_EQ(map.find("a"), NameMap::kNone);
  for (uint32_t i = 0; i < 1000; ++i) EXPECT_TRUE(map.insert(std::to_string(i), i));
  EXPECT_FALSE(map.insert("7", 8));
  for (uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(map.find(std::to_string(i)), i);
  EXPECT_EQ(map.find("1000"), NameMap::kNone);
}

TEST(Limits, AnExactValueGoesBeforeAWildcardBeforeTheKeyAlone) {
  Lookup lookup({node("path", "", {named("alone")}), node("path", "/s*", {named("wild")}),
                 node("path", "/search", {named("exact")})});
  EXPECT_THAT(lookup.names({{"path", "/search"}}), ElementsAre("exact"));
  EXPECT_THAT(lookup.names({{"path", "/sea"}}), ElementsAre("wild"));
  EXPECT_THAT(lookup.names({{"path", "/x"}}), ElementsAre("alone"));
  EXPECT_THAT(lookup.names({{"path", ""}}), ElementsAre("alone"));
  EXPECT_THAT(lookup.names({{"other", "/x"}}), IsEmpty());
}

TEST(Limits, WildcardsAreTriedInFileOrder) {
  Lookup lookup({node("k", "a*", {named("first")}), node("k", "ab*", {named("second")})});
  EXPECT_THAT(lookup.names({{"k", "abc"}}), ElementsAre("first"));
}

TEST(Limits, AWildcardInTheKeyMatchesKeyAndValueJoined) {
  Lookup lookup({node("user*", "", {named("users")}), node("x*y", "1", {named("both")})});
  EXPECT_THAT(lookup.names({{"user_name", "bob"}}), ElementsAre("users"));
  EXPECT_THAT(lookup.names({{"user", "bob"}}), ElementsAre("users"));
  EXPECT_THAT(lookup.names({{"x", "zy_1"}}), ElementsAre("both"));
  EXPECT_THAT(lookup.names({{"x", "zy_2"}}), IsEmpty());
}

TEST(Limits, AnExactNodeWithoutLimitWhiteListsItsValue) {
  Lookup lookup(
      {node("k", "", {named("alone")}), node("k", "*", {named("wild")}), node("k", "friend")});
  EXPECT_THAT(lookup.names({{"k", "friend"}}), IsEmpty());
  EXPECT_THAT(lookup.names({{"k", "foe"}}), ElementsAre("wild"));
}

TEST(Limits, ThereIsNoWayBackFromAHit) {
  Lookup lookup({node("t", "", {}, {node("p", "", {named("any tenant's p")})}),
                 node("t", "acme", {}, {node("q", "", {named("acme's q")})})});
  EXPECT_THAT(lookup.names({{"t", "acme"}, {"p", "1"}}), IsEmpty());
  EXPECT_THAT(lookup.names({{"t", "acme"}, {"q", "1"}}), ElementsAre("acme's q"));
  EXPECT_THAT(lookup.names({{"t", "bob"}, {"p", "1"}}), ElementsAre("any tenant's p"));
}

TEST(Limits, OnlyLimitsOfTheLastEntryCount) {
  Lookup lookup({node("t", "", {named("outer")}, {node("p", "", {named("inner")})})});
  EXPECT_THAT(lookup.names({{"t", "1"}}), ElementsAre("outer"));
  EXPECT_THAT(lookup.names({{"t", "1"}, {"p", "2"}}), ElementsAre("inner"));
  EXPECT_THAT(lookup.names({{"t", "1"}, {"q", "2"}}), IsEmpty());
  EXPECT_THAT(lookup.names({{"t", "1"}, {"p", "2"}, {"r", "3"}}), IsEmpty());
  EXPECT_THAT(lookup.names({}), IsEmpty());
}

TEST(Limits, EachValueHasAStateOfItsOwnUnlessShared) {
  NodeSpec shared = node("path", "/s*", {named("shared")});
  shared.share_threshold = true;
  Lookup lookup({node("tenant", "", {}, {std::move(shared), node("path", "/o*", {named("own")})})});
  const auto key_of = [&](std::string_view tenant, std::string_view path) {
    EXPECT_FALSE(lookup.names({{"tenant", tenant}, {"path", path}}).empty());
    return lookup.key;
  };
  EXPECT_EQ(key_of("a", "/s1"), key_of("a", "/s2"));
  EXPECT_NE(key_of("a", "/s1"), key_of("b", "/s1"));
  EXPECT_NE(key_of("a", "/o1"), key_of("a", "/o2"));
}

TEST(Limits, KeysThatJoinAlikeAreKeptApart) {
  Lookup lookup({node("a", "", {named("1")}), node("a_b", "", {named("2")})});
  EXPECT_FALSE(lookup.names({{"a", "b_c"}}).empty());
  const std::string one = lookup.key;
  EXPECT_FALSE(lookup.names({{"a_b", "c"}}).empty());
  EXPECT_NE(lookup.key, one);
}

RC_GTEST_PROP(Limits, DifferentDescriptorsHaveDifferentKeyTexts, ()) {
  const auto word = rc::gen::container<std::string>(rc::gen::element('a', '\0', '\1'));
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  const auto pairs = rc::gen::container<Pairs>(rc::gen::pair(word, word));
  const Pairs left = *pairs, right = *pairs;
  const auto text_of = [](const Pairs& path) {
    std::vector<Entry> entries;
    for (const auto& [key, value] : path) entries.push_back({key, value});
    std::string text;
    Limits::Domain("d", 0).block_text(entries, text);
    return text;
  };
  RC_ASSERT((left == right) == (text_of(left) == text_of(right)));
}

TEST(Limits, DefaultNamesAreEnvoysFullKeyWithoutTheDomain) {
  Lookup lookup({node("tenant", "acme", {named(""), named(""), named("day")},
                      {node("path", "/a b*", {named("")})})});
  EXPECT_THAT(lookup.names({{"tenant", "acme"}}),
              ElementsAre("tenant_acme", "tenant_acme#2", "day"));
  const auto all = lookup.limits().list("");
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[3]->name, "tenant_acme.path_/a b*");
  EXPECT_EQ(all[3]->descriptor, "tenant=acme,path=/a%20b*");
  std::set<uint64_t> salts;
  for (size_t i = 0; i < 3; ++i) salts.insert(all[i]->salt);
  EXPECT_EQ(salts.size(), 3u);
}

TEST(Limits, ListsDomainsAndLimitsInFileOrder) {
  Laws laws;
  std::vector<DomainSpec> specs;
  specs.push_back(domain({node("z", "", {named("")}), node("a", "", {named("")})}, "two"));
  specs.push_back(domain({node("k", "", {named("")})}, "one"));
  const auto limits = Limits::compile(std::move(specs), laws).value();
  EXPECT_THAT(limits->domains(), ElementsAre("two", "one"));
  std::vector<std::string> names;
  for (const Limit* limit : limits->list("")) names.push_back(limit->domain + "/" + limit->name);
  EXPECT_THAT(names, ElementsAre("two/z", "two/a", "one/k"));
  EXPECT_EQ(limits->list("one").size(), 1u);
  EXPECT_EQ(limits->find("three"), nullptr);
}

TEST(SpecCheck, FaultsHaveEnvoysTexts) {
  EXPECT_THAT(errors_of({domain({}, "")}), ElementsAre("config file cannot have empty domain"));
  EXPECT_THAT(errors_of({domain({}), domain({})}),
              ElementsAre("duplicate domain 'd' in config file"));
  EXPECT_THAT(errors_of({domain({node("", "v")})}), ElementsAre("descriptor has empty key"));
  EXPECT_THAT(errors_of({domain({node("k", "v"), node("k", "v")})}),
              ElementsAre("duplicate descriptor composite key 'd.k_v'"));
  EXPECT_THAT(
      errors_of({domain({node("k", "v", {}, {node("a", ""), node("b", ""), node("a", "")})})}),
      ElementsAre("duplicate descriptor composite key 'd.k_v.a'"));
}

TEST(SpecCheck, AReplacesEntryMustNameAnotherLimit) {
  LimitSpec own = named("own");
  own.replaces = {"own"};
  LimitSpec empty = named("e");
  empty.replaces = {""};
  EXPECT_THAT(errors_of({domain({node("a", "", {own}), node("b", "", {empty})})}),
              ElementsAre("replaces should not contain name of same descriptor",
                          "should not have an empty replaces entry"));
}

TEST(SpecCheck, ShareThresholdNeedsAWildcard) {
  NodeSpec plain = node("k", "v");
  plain.share_threshold = true;
  NodeSpec wild = node("k", "v*");
  wild.share_threshold = true;
  EXPECT_THAT(errors_of({domain({plain, wild})}),
              ElementsAre("share_threshold can only be used with wildcard values (containing '*'), "
                          "but found key 'k_v'"));
}

TEST(SpecCheck, LimitsOfOneNodeHaveDifferentNames) {
  EXPECT_THAT(errors_of({domain({node("k", "", {named("k#2"), named("")})}, "a.b")}),
              ElementsAre("duplicate limit name 'k#2' on descriptor 'a.b.k'"));
}

TEST(SpecCheck, NodesBelowTheLongestDescriptorAreRefused) {
  NodeSpec deepest = node("k", "");
  for (size_t i = 1; i < kEntriesMax; ++i) deepest = node("k", "", {}, {deepest});
  EXPECT_THAT(errors_of({domain({deepest})}), IsEmpty());
  EXPECT_EQ(errors_of({domain({node("k", "", {}, {deepest})})}).size(), 1u);
}

TEST(SpecCheck, EveryErrorIsReportedWithItsPlace) {
  NodeSpec first = node("", ""), second = node("k", "", {named("x"), named("x")});
  first.mark = {"f.yaml", 3, 5};
  second.limits[1].mark = {"f.yaml", 9, 1};
  const std::vector<DomainSpec> specs{domain({first, second})};
  const auto errors = Limits::check(specs);
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].mark.line, 3);
  EXPECT_EQ(errors[1].mark.line, 9);
}

}  // namespace
}  // namespace limiter

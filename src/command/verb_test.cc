#include "command/verb.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "command/glob.h"
#include "command/reference.h"
#include "command/talk_bed.h"
#include "command/words.h"

namespace command {
namespace {

TEST(VerbTable, FindsEachVerbInAnyCaseAndNothingElse) {
  for (const Verb& verb : verbs()) {
    EXPECT_EQ(find_verb(verb.name), &verb);
    EXPECT_EQ(find_verb(lower_case(verb.name)), &verb);
    EXPECT_EQ(verb_table().index(verb), static_cast<size_t>(&verb - verbs().data()));
    std::string other(verb.name);
    other.back() = static_cast<char>(other.back() ^ 0x80);
    EXPECT_EQ(find_verb(other), nullptr) << verb.name;
    EXPECT_NE(find_verb(verb.name.substr(0, verb.name.size() - 1)), &verb);
  }
  using std::string_view_literals::operator""sv;
  for (const auto name : {""sv, "PIN"sv, "PINGG"sv, "PING\0"sv, "CL\x0eTHROTTLE"sv,
                          "A_NAME_OF_17_BYTE"sv, "CHECK\x20"sv}) {
    EXPECT_EQ(find_verb(name), nullptr) << name;
  }
}

TEST(VerbTable, EachRowSaysWhatItTakesAndDoes) {
  std::set<std::string_view> names;
  for (const Verb& verb : verbs()) {
    EXPECT_TRUE(names.insert(verb.name).second);
    EXPECT_FALSE(verb.answers.empty()) << verb.name;
    EXPECT_TRUE(verb.help.ends_with('.')) << verb.name;
    EXPECT_GE(verb.words_min, 1);
    EXPECT_TRUE(verb.words_max < 0 || verb.words_max >= verb.words_min) << verb.name;
    EXPECT_EQ(verb.arguments.empty(), verb.words_max == 1) << verb.name;
  }
}

TEST(Reference, DocsCommandsIsTheTable) {
  std::ifstream file(RATELIMMQ_SOURCE_DIR "/docs/commands.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(text.str() == reference_markdown())
      << "docs/commands.md is not what the table of verbs says. To make it anew:\n"
         "  ratelimmq commands-markdown > docs/commands.md";
}

// Every verb answers something when it gets as few words as it may have, and arity is refused.
TEST(Verbs, EachRefusesTooFewAndTooManyWords) {
  TalkBed bed;
  for (const Verb& verb : verbs()) {
    const std::string wrong =
        "ERR wrong number of arguments for '" + lower_case(verb.name) + "' command\n";
    const auto words = [&](int n) {
      std::string text(verb.name);
      for (int i = 1; i < n; ++i) text += " x";
      return text;
    };
    if (verb.words_min > 1) {
      EXPECT_EQ(bed.line(words(verb.words_min - 1)), wrong);
    }
    if (verb.words_max >= 0) {
      EXPECT_EQ(bed.line(words(verb.words_max + 1)), wrong);
    }
  }
}

TEST(Verbs, EachGivesOneWholeAnswerInEachProtocol) {
  for (const Verb& verb : verbs()) {
    TalkBed bed;
    std::vector<std::string_view> words(static_cast<size_t>(verb.words_min), "a=1");
    words[0] = verb.name;
    const std::string answer = bed.say(resp(words));
    EXPECT_TRUE(answer.ends_with("\r\n")) << verb.name;
    bed.connect();
    std::string line(verb.name);
    for (int i = 1; i < verb.words_min; ++i) line += " a=1";
    const std::string text = bed.line(line);
    EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
    EXPECT_TRUE(text.ends_with('\n'));
  }
}

TEST(Info, HasWhatClientsReadBeforeAnythingElse) {
  TalkBed bed;
  const std::string all = bed.say(resp({"INFO"}));
  for (const char* line : {"\r\nloading:0\r\n", "\r\nredis_version:", "\r\nrole:master\r\n",
                           "\r\nratelimmq_version:0.1.0\r\n", "# Clients\r\n",
                           "\r\nuptime_in_seconds:10\r\n", "\r\ntotal_commands_processed:"}) {
    EXPECT_NE(all.find(line), std::string::npos) << line;
  }
  const std::string one = bed.say(resp({"INFO", "memory"}));
  EXPECT_NE(one.find("# Memory\r\n"), std::string::npos);
  EXPECT_EQ(one.find("# Server\r\n"), std::string::npos);
  EXPECT_EQ(bed.say(resp({"INFO", "nonsense"})), "$0\r\n\r\n");
}

TEST(Time, IsTheToldInstant) {
  TalkBed bed;
  bed.clock.pass(std::chrono::microseconds(1'000'042));
  EXPECT_EQ(bed.line("TIME"), "[\"1750000001\",\"42\"]\n");
}

TEST(Command, AnswersTruthfullyFromTheTable) {
  TalkBed bed;
  const std::string n = std::to_string(verbs().size());
  EXPECT_EQ(bed.say(resp({"COMMAND", "COUNT"})), ":" + n + "\r\n");
  EXPECT_TRUE(bed.say(resp({"COMMAND"})).starts_with("*" + n + "\r\n*10\r\n$4\r\nping\r\n:-1\r\n"));
  EXPECT_TRUE(bed.say(resp({"COMMAND", "LIST"})).starts_with("*" + n + "\r\n$4\r\nping\r\n"));
  EXPECT_TRUE(bed.say(resp({"COMMAND", "DOCS", "nonsense"})).starts_with("*0\r\n"));
  bed.say(resp({"HELLO", "3"}));
  EXPECT_TRUE(bed.say(resp({"COMMAND", "DOCS"})).starts_with("%" + n + "\r\n$4\r\nping\r\n"));
  EXPECT_TRUE(bed.say(resp({"COMMAND", "GETKEYS", "x"})).starts_with("-ERR unknown subcommand"));
}

TEST(Glob, StarsAndQuestionMarks) {
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("*", "save"));
  EXPECT_TRUE(glob_match("s?v*", "save"));
  EXPECT_TRUE(glob_match("*a*e", "databasee"));
  EXPECT_FALSE(glob_match("", "save"));
  EXPECT_FALSE(glob_match("sav", "save"));
  EXPECT_FALSE(glob_match("?save", "save"));
  EXPECT_FALSE(glob_match("*a*b*", "save"));
}

TEST(Shutdown, AsksTheProcessToStopAndClosesTheConnection) {
  TalkBed bed;
  EXPECT_EQ(bed.line("SHUTDOWN"), "BYE\n");
  EXPECT_TRUE(bed.process.stopping());
  EXPECT_TRUE(bed.talk->closing());
  TalkBed other;
  other.connect("192.0.2.1", false);
  EXPECT_EQ(other.line("SHUTDOWN"), "NOPERM shutdown needs the admin right\n");
  EXPECT_FALSE(other.process.stopping());
}

}  // namespace
}  // namespace command

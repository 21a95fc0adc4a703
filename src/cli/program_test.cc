#include "cli/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/sources.h"

namespace cli {
namespace {

using testing::Pair;

int run(Program& program, std::vector<std::string> words) {
  words.insert(words.begin(), "ratelimmq");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return program.run(static_cast<int>(words.size()), argv.data());
}

TEST(Program, BodyAnswersTheExitCode) {
  Program program;
  program.add("seven", "Answers 7", [] { return 7; });
  program.add("eight", "Answers 8", [] { return 8; });
  EXPECT_EQ(run(program, {"eight"}), 8);
}

TEST(Program, BadUsageIsTwoAndRunsNothing) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{}, {"nine"}, {"--x"}, {"seven", "--x"}}) {
    Program program;
    program.add("seven", "Answers 7", [] { return 7; });
    EXPECT_EQ(run(program, words), kUsage);
  }
}

TEST(Program, HelpAndVersionAreNoFailure) {
  for (const char* word : {"--help", "--version", "-h"}) {
    Program program;
    program.add("seven", "Answers 7", [] { return 7; });
    EXPECT_EQ(run(program, {word}), kDone);
  }
}

std::shared_ptr<config::Sources> sources_of(std::vector<std::string> words, int& code) {
  Program program;
  std::shared_ptr<config::Sources> sources =
      add_settings(program.add("serve", "Serves", [] { return kDone; }), server::Role::kServe);
  words.insert(words.begin(), "serve");
  code = run(program, words);
  return sources;
}

TEST(Settings, FlagsBecomePathsAndValues) {
  int code = -1;
  const auto sources =
      sources_of({"--config", "c.yaml", "--tcp", "off", "--limits", "a", "--limits", "b",
                  "--log-level=debug", "--set", "table.memory_max=1GiB", "--set", "data=a=b"},
                 code);
  EXPECT_EQ(code, kDone);
  EXPECT_EQ(sources->file, "c.yaml");
  EXPECT_THAT(sources->flags,
              testing::UnorderedElementsAre(Pair("listen.tcp", "off"), Pair("limit_files+", "a"),
                                            Pair("limit_files+", "b"), Pair("log.level", "debug"),
                                            Pair("table.memory_max", "1GiB"), Pair("data", "a=b")));
}

TEST(Settings, EachRoleTellsItsOwnListeners) {
  const auto help = [](server::Role role) {
    CLI::App command;
    add_settings(command, role);
    return command.help();
  };
  EXPECT_THAT(help(server::Role::kServe), testing::HasSubstr("(127.0.0.1:8080)"));
  const std::string limiter = help(server::Role::kLimiter);
  EXPECT_THAT(limiter, testing::HasSubstr("(127.0.0.1:8001)"));
  EXPECT_THAT(limiter, testing::HasSubstr("(127.0.0.1:8083)"));
  EXPECT_THAT(limiter, testing::Not(testing::HasSubstr("127.0.0.1:8000")));
  EXPECT_THAT(help(server::Role::kGateway), testing::HasSubstr("(127.0.0.1:8082)"));
}

TEST(Settings, SetWantsAPathAndAValue) {
  int code = -1;
  sources_of({"--set", "threads"}, code);
  EXPECT_EQ(code, kUsage);
}

TEST(Settings, EnvironmentIsThatOfTheProcess) {
  ::setenv("RATELIMMQ_TEST_OF_SOURCES", "a=b", 1);
  config::Sources sources;
  add_environment(sources);
  EXPECT_EQ(sources.environment.at("RATELIMMQ_TEST_OF_SOURCES"), "a=b");
  ::unsetenv("RATELIMMQ_TEST_OF_SOURCES");
}

}  // namespace
}  // namespace cli

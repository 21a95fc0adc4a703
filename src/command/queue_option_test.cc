#include "command/queue_option.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace command {
namespace {

TEST(QueueOption, IsSpeltAsItIsRead) {
  queue::Settings settings;
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"lease", "1500ms"},
           {"attempts", "3"},
           {"backoff.base", "2s"},
           {"backoff.factor", "1.25"},
           {"backoff.max", "1h"},
           {"backoff.jitter", "0.000001"},
           {"in_flight_per_key", "1"},
           {"durability", "memory"},
           {"ttl", "7d"},
           {"dedup_window", "0"},
           {"decide.domain", "api"},
           {"decide.descriptors", "a=b tenant={header:x}"},
           {"dead_letter.keep", "36h"},
           {"dead_letter.expired", "true"},
           {"max.messages", "10"},
           {"max.bytes", "10GiB"},
           {"push.url", "https://x.test/{queue}/{key}?t={header:tenant}"},
           {"push.method", "PATCH"},
           {"push.timeout", "1h"},
           {"push.redirects", "20"},
           {"push.signing_secret_env", "HOOK_SECRET_1"}}) {
    ASSERT_TRUE(set_queue_option(name, value, settings)) << name;
    EXPECT_EQ(find_queue_option(name)->spell(settings), value) << name;
  }
  EXPECT_EQ(settings.backoff.factor_milli, 1250);
  EXPECT_EQ(settings.backoff.jitter_ppm, 1);
  EXPECT_EQ(settings.bytes_max, uint64_t{10} << 30);
}

TEST(QueueOption, NumbersHoldTheirBoundsAndNoMore) {
  for (const QueueOption& option : queue_options()) {
    const std::string name = std::string(option.name) + (option.spell == nullptr ? "k" : "");
    using enum QueueOption::Type;
    if (option.type != kSpan && option.type != kInteger) continue;
    queue::Settings settings;
    EXPECT_TRUE(set_queue_option(name, std::to_string(option.min), settings)) << name;
    EXPECT_TRUE(set_queue_option(name, std::to_string(option.max), settings)) << name;
    EXPECT_FALSE(set_queue_option(name, std::to_string(option.min - 1), settings)) << name;
    if (option.max == INT64_MAX) continue;
    EXPECT_FALSE(set_queue_option(name, std::to_string(option.max + 1), settings)) << name;
  }
}

TEST(QueueOption, WeightsAreGivenChangedAndTakenAway) {
  queue::Settings settings;
  ASSERT_TRUE(set_queue_option("weights.a.b", "5", settings));
  ASSERT_TRUE(set_queue_option("weights.*", "2", settings));
  ASSERT_TRUE(set_queue_option("weights.a.b", "6", settings));
  using Weights = std::vector<std::pair<std::string, uint32_t>>;
  EXPECT_EQ(settings.weights, (Weights{{"a.b", 6}, {"*", 2}}));
  ASSERT_TRUE(set_queue_option("weights.a.b", "0", settings));
  EXPECT_EQ(settings.weights, (Weights{{"*", 2}}));
  EXPECT_FALSE(set_queue_option("weights.", "1", settings));
}

TEST(QueueOption, APushIsToldWithinItsBounds) {
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"push.url", "x.test"},
           {"push.url", "https://x.test/{host}"},
           {"push.url", "https://x.test/ y"},
           {"push.url", "https://x.test/" + std::string(queue::kPushUrlBytesMax, 'a')},
           {"push.method", "post"},
           {"push.method", "HEAD"},
           {"push.method", ""},
           {"push.signing_secret_env", "1SECRET"},
           {"push.signing_secret_env", "A-B"},
           {"push.signing_secret_env", "A B"},
           {"push.signing_secret_env", std::string(kVariableBytesMax + 1, 'A')}}) {
    queue::Settings settings;
    const base::Status read = set_queue_option(name, value, settings);
    ASSERT_FALSE(read) << name << " " << value;
    EXPECT_EQ(read.error().field, name);
  }
  queue::Settings settings;
  ASSERT_TRUE(set_queue_option("push.url", "{header:url}", settings));
  EXPECT_TRUE(settings.push.on());
  ASSERT_TRUE(set_queue_option("push.url", "", settings));
  EXPECT_FALSE(settings.push.on());
}

TEST(QueueOption, ASecretInThePlaceOfItsNameIsNotRepeated) {
  queue::Settings settings;
  const std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS+";
  const base::Status read = set_queue_option("push.signing_secret_env", secret, settings);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().what.find("MfKQ"), std::string::npos);
}

TEST(QueueOption, DocsQueuesHasTheTable) {
  std::ifstream file(RATELIMMQ_SOURCE_DIR "/docs/queues.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find(queue_options_markdown()), std::string::npos)
      << queue_options_markdown();
}

}  // namespace
}  // namespace command

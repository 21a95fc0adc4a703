// Queues that the dispatcher empties: what their messages ask of limits, who is told of them, and
// where they want to go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/bytes.h"
#include "engine/targets.h"
#include "engine/template.h"
#include "engine/test_bed.h"

namespace engine {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;
using Bodies = std::vector<std::string>;

limiter::LimitSpec cap_of(std::string name, int64_t cap) {
  limiter::LimitSpec spec;
  spec.name = std::move(name);
  spec.algorithm = "concurrency";
  spec.law = limit::Concurrency::make(cap, hours(1)).value();
  return spec;
}

// Two at a time to each host, three in all; and a domain of a queue's own.
std::vector<limiter::DomainSpec> push_limits() {
  limiter::NodeSpec host, all, tenant;
  host.key = kHostKey;
  host.limits = {cap_of("per-host", 2)};
  all.key = kGlobalKey;
  all.value = kGlobalValue;
  all.limits = {cap_of("total", 3)};
  tenant.key = "tenant";
  tenant.limits = {cap_of("tenant", 1)};
  limiter::DomainSpec outbound, own;
  outbound.name = kOutbound;
  outbound.nodes = {host, all};
  own.name = "own";
  own.nodes = {tenant};
  return {outbound, own};
}

class PushBed : public TestBed {
 public:
  explicit PushBed(std::string url = "{header:url}", EngineOptions wanted = {})
      : TestBed(std::move(wanted), push_limits()) {
    set("q", [&](queue::Settings& s) { s.push.url = url; });
  }
  queue::Number send(std::string_view url, std::string_view body,
                     std::vector<Header> headers = {}) {
    headers.push_back({"url", url});
    Message message;
    message.headers = headers;
    message.body = body;
    return enqueue("q", message);
  }
  Targets targets(std::string_view host = {}) {
    Targets asked;
    asked.host = host;
    return ask(asked);
  }
};

TEST(Push, NoHostHasMoreThanItsCapAndAllTogetherHaveTheirs) {
  PushBed bed;
  for (int i = 0; i < 3; ++i) bed.send("http://A.test/x", "a");
  for (int i = 0; i < 3; ++i) bed.send("http://a.test:80/y", "a");
  for (int i = 0; i < 3; ++i) bed.send("http://b.test/", "b");
  const auto first = bed.dequeue("q", 10);
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(bed.body(first[0]), "a");
  EXPECT_EQ(bed.body(first[1]), "a");
  EXPECT_EQ(bed.body(first[2]), "b");
  EXPECT_TRUE(bed.ack(first[0]));
  EXPECT_EQ(bed.bodies("q", 10), Bodies{"a"});
  bed.crash();  // Holds are taken again.
  EXPECT_EQ(bed.bodies("q", 10), Bodies{});
}

TEST(Push, ABlockedHostDelaysNoOther) {
  PushBed bed;
  const limiter::Entry entry{kHostKey, "a.test"};
  ASSERT_TRUE(bed.limiter->block(kOutbound, {&entry, 1}, bed.now + seconds(9), bed.now));
  for (int i = 0; i < 100; ++i) bed.send("http://a.test/", "a");
  bed.send("http://b.test/", "b");
  EXPECT_EQ(bed.bodies("q", 10), Bodies{"b"});
  bed.pass(seconds(9));
  EXPECT_EQ(bed.bodies("q", 10), (Bodies{"a", "a"}));
}

class HalfOpen : public testing::Test {
 protected:
  static constexpr base::Duration kProbe = seconds(30);
  HalfOpen() {
    block(seconds(9));
    for (int i = 0; i < 5; ++i) bed.send("http://a.test/", "a");
    bed.send("http://b.test/", "b");
    const auto other = bed.dequeue("q", 10);
    EXPECT_EQ(other.size(), 1u);
    EXPECT_EQ(bed.body(other.at(0)), "b");
    EXPECT_TRUE(bed.ack(other.at(0)));
    start();
  }
  void block(base::Duration in) {
    const base::Time until = in.count() == 0 ? base::Time{} : bed.now + in;
    const limiter::Entry entry{kHostKey, "a.test"};
    ASSERT_TRUE(bed.limiter->block(kOutbound, {&entry, 1}, until, bed.now, kProbe));
    bed.turn();
  }
  void start() {
    Dequeue asked;
    asked.queues = {&name, 1};
    asked.count = 10;
    asked.wait = hours(1);
    asked.lease = hours(1);
    asked.unsynced = true;
    standing = &bed.start(asked);
    bed.turn();
  }
  // How many messages the standing request has got; then another one stands there.
  size_t got() {
    if (!bed.is_done(*standing)) return 0;
    const size_t count = std::get<Dequeue>(standing->what).deliveries.size();
    start();
    return count;
  }
  const std::string_view name = "q";
  PushBed bed;
  Request* standing = nullptr;
};

TEST_F(HalfOpen, OneMessageGoesAsAProbeAndTheOthersStayParked) {
  bed.pass(seconds(8));
  EXPECT_EQ(got(), 0u);
  bed.pass(seconds(1));
  EXPECT_EQ(got(), 1u);
  bed.pass(kProbe - milliseconds(1));
  EXPECT_EQ(got(), 0u);
  const Targets targets = bed.targets();
  ASSERT_EQ(targets.rows.size(), 1u);
  EXPECT_EQ(targets.rows[0].limited_by, "blocked");
  EXPECT_EQ(targets.rows[0].waiting, 4u);
  EXPECT_EQ(targets.rows[0].until, bed.now + milliseconds(1));
  bed.pass(milliseconds(1));
  EXPECT_EQ(got(), 1u) << "the probe's time is over";
}

TEST_F(HalfOpen, AProbeThatSucceedsLetsTheOthersGoAtOnce) {
  bed.pass(seconds(9));
  ASSERT_EQ(got(), 1u);
  block({});
  EXPECT_EQ(got(), 1u) << "two at a time to a host";
}

TEST_F(HalfOpen, AProbeThatFailsBlocksThemAgain) {
  bed.pass(seconds(9));
  ASSERT_EQ(got(), 1u);
  block(seconds(100));
  bed.pass(seconds(99));
  EXPECT_EQ(got(), 0u);
  bed.pass(seconds(1));
  EXPECT_EQ(got(), 1u);
}

TEST(Push, AClaimThatIsLostGivesItsProbeBack) {
  PushBed bed;
  const limiter::Entry entry{kHostKey, "a.test"};
  ASSERT_TRUE(bed.limiter->block(kOutbound, {&entry, 1}, bed.now, bed.now, seconds(30)));
  bed.send("http://a.test/", "a");
  const std::string_view name = "q";
  Dequeue asked;
  asked.queues = {&name, 1};
  asked.claim = std::make_shared<Claim>();
  asked.claim->taken = true;  // Between the question and the answer, another shard was faster.
  bed.ask(asked);
  EXPECT_EQ(bed.bodies("q"), Bodies{"a"});
}

TEST(Push, TheQueuesOwnLimitsHoldBesideThoseOfTheHost) {
  PushBed bed;
  bed.set("q", [](queue::Settings& s) { s.decide = {"own", {"tenant={header:tenant}"}}; });
  bed.send("http://a.test/", "1", {{"tenant", "x"}});
  bed.send("http://a.test/", "2", {{"tenant", "x"}});
  bed.send("http://a.test/", "3");
  bed.send("http://a.test/", "4");
  EXPECT_EQ(bed.bodies("q", 10), (Bodies{"1", "3"}));
}

TEST(Push, TheHostIsThatOfTheUrlThatIsPushedTo) {
  PushBed bed("https://{header:tenant}.test/hook");
  bed.set("q", [](queue::Settings& s) { s.decide = {"own", {"tenant={host}"}}; });
  bed.send("http://a.test/", "1", {{"tenant", "x"}});
  bed.send("http://b.test/", "2", {{"tenant", "x"}});
  bed.send("http://a.test/", "3", {{"tenant", "y"}});
  EXPECT_EQ(bed.bodies("q", 10), (Bodies{"1", "3"})) << "{host} of the queue's own limits, too";
  ASSERT_EQ(bed.targets().rows.size(), 1u);
  EXPECT_EQ(bed.targets().rows[0].host, "x.test");
  bed.set("q", [](queue::Settings& s) { s.push.url = "https://One.test/{header:tenant}"; });
  bed.send("http://a.test/", "4", {{"tenant", "x"}});
  EXPECT_EQ(bed.targets("one.test").rows.size(), 1u);
}

TEST(Push, AUrlWithoutAHostStillCountsAmongAll) {
  PushBed bed;
  for (int i = 0; i < 5; ++i) bed.send("nonsense", "x");
  EXPECT_EQ(bed.bodies("q", 10).size(), 3u);
  EXPECT_THAT(bed.targets().rows, IsEmpty());
}

TEST(Push, TheOwnerIsToldOfEveryQueueThatIsPushed) {
  PushBed bed("https://a.test/");
  bed.set("plain", [](queue::Settings&) {});
  std::vector<std::string> told;
  bed.engine->on_push([&](std::string_view queue, const queue::Push& push) {
    told.push_back(std::string(queue) + " " + push.url);
  });
  EXPECT_THAT(told, ElementsAre("q https://a.test/"));
  told.clear();
  bed.set("plain", [](queue::Settings& s) { s.attempts = 3; });
  bed.set("q", [](queue::Settings& s) { s.attempts = 3; });
  EXPECT_THAT(told, IsEmpty());
  bed.set("q", [](queue::Settings& s) { s.push.timeout = seconds(3); });
  bed.set("new", [](queue::Settings& s) { s.push.url = "https://b.test/"; });
  bed.set("q", [](queue::Settings& s) { s.push = {}; });
  EXPECT_THAT(told, ElementsAre("q https://a.test/", "new https://b.test/", "q "));
  told.clear();
  bed.ask(DeleteQueue{.queue = "new"});
  bed.ask(DeleteQueue{.queue = "plain"});
  EXPECT_THAT(told, ElementsAre("new "));
}

TEST(Push, SettingsSurviveARestart) {
  PushBed bed("https://a.test/");
  bed.set("q", [](queue::Settings& s) {
    s.push = {"https://a.test/{key}", "PUT", seconds(3), 5, "SECRET"};
  });
  const queue::Settings before = bed.stats("q").row.settings;
  bed.crash();
  ASSERT_TRUE(bed.engine) << bed.error->what;
  EXPECT_EQ(bed.stats("q").row.settings, before);
  std::vector<std::string> told;
  bed.engine->on_push([&](std::string_view, const queue::Push& push) { told.push_back(push.url); });
  EXPECT_THAT(told, ElementsAre("https://a.test/{key}"));
}

TEST(Push, AnUnsyncedRequestWaitsForNothingButTheBody) {
  PushBed bed;
  const std::string_view name = "q";
  Dequeue asked;
  asked.queues = {&name, 1};
  asked.unsynced = true;
  asked.wait = hours(24);
  const Request& standing = bed.start(asked);
  bed.pass(hours(1));
  EXPECT_FALSE(bed.is_done(standing)) << "it is not cut to wait_max";
  bed.send("http://a.test/", "x");
  EXPECT_TRUE(bed.is_done(standing));
  EXPECT_EQ(std::get<Dequeue>(standing.what).deliveries.size(), 1u);
}

TEST(Push, TargetsTellWhereMessagesWantToGoAndWhatHoldsThem) {
  PushBed bed;
  const limiter::Entry entry{kHostKey, "a.test"};
  ASSERT_TRUE(bed.limiter->block(kOutbound, {&entry, 1}, bed.now + seconds(9), bed.now));
  const base::Time since = bed.now;
  for (int i = 0; i < 4; ++i) bed.send("http://a.test/", "a");
  bed.pass(milliseconds(5));
  for (int i = 0; i < 5; ++i) bed.send("http://b.test/", "b");
  bed.send("http://c.test/", "c");
  bed.enqueue("plain", "p");
  bed.dequeue("q", 3, hours(1));
  const Targets all = bed.targets();
  ASSERT_EQ(all.rows.size(), 2u);
  EXPECT_EQ(all.rows[0].host, "a.test");
  EXPECT_EQ(all.rows[0].waiting, 4u);
  EXPECT_EQ(all.rows[0].limited_by, "blocked");
  EXPECT_EQ(all.rows[0].until, since + seconds(9));
  EXPECT_EQ(all.rows[0].oldest, since);
  EXPECT_EQ(all.rows[1].host, "b.test");
  EXPECT_EQ(all.rows[1].waiting, 3u);
  EXPECT_EQ(all.rows[1].limited_by, "per-host");
  EXPECT_THAT(all.reasons, ElementsAre(Pair("blocked", 4), Pair("per-host", 3)));
  const Targets one = bed.targets("b.test");
  ASSERT_EQ(one.rows.size(), 1u);
  EXPECT_EQ(one.rows[0].host, "b.test");
  Targets few;
  few.hosts_max = 1;
  EXPECT_EQ(bed.ask(few).rows.size(), 1u);
  bed.set("q", [](queue::Settings& s) { s.paused_out = true; });
  EXPECT_THAT(bed.targets().reasons, ElementsAre(Pair("paused", 7)));
}

TEST(Push, TargetsAreWalkedASliceATickAndOneAtATime) {
  PushBed bed;
  constexpr int kHosts = 2000;
  for (int i = 0; i < kHosts; ++i) bed.send("http://h" + std::to_string(i) + ".test/", "x");
  Request& first = bed.start(Targets{}, 1);
  Request& second = bed.start(Targets{}, 2);
  int ticks = 0;
  for (; !bed.is_done(first) && ticks < 100; ++ticks) {
    EXPECT_LE(bed.engine->due(), bed.now);
    bed.engine->tick(bed.now);
    bed.engine->release();
  }
  EXPECT_GE(ticks, kHosts / 512);
  EXPECT_LE(ticks, kHosts / 512 + 3);
  EXPECT_EQ(std::get<Targets>(first.what).rows.size(), size_t{kHosts});
  EXPECT_FALSE(bed.is_done(second));
  bed.start(Targets{}, 3);
  bed.start(Leave{}, 3);
  bed.start(Leave{}, 2);
  bed.engine->release();
  EXPECT_TRUE(bed.is_done(second)) << "whoever leaves ends its walk";
  EXPECT_EQ(bed.targets().rows.size(), size_t{kHosts});
  std::vector<Request*> asked;
  for (size_t i = 0; i < TargetsWalk::kAskedMax; ++i) asked.push_back(&bed.start(Targets{}));
  EXPECT_EQ(bed.start(Targets{}).status.error().code, base::Code::kFull);
  bed.engine->stop(bed.now);
  for (Request* const each : asked) EXPECT_TRUE(bed.is_done(*each));
}

// The record of a queue as it was written before there were pushes (docs/formats/shard.md).
std::string old_record() {
  std::string bytes;
  PutBytes put(bytes);
  put.number(uint32_t{7}).text("mails");
  put.span(seconds(30)).number(uint16_t{16}).span(seconds(1)).number(int64_t{2000});
  put.span(seconds(600)).number(int64_t{200'000}).number(uint32_t{3}).number(uint8_t{1});
  put.span({}).span(seconds(300)).text("out").number(uint32_t{1}).text("host={host}");
  put.span({}).number(uint8_t{1}).number(uint32_t{1}).text("*").number(uint32_t{4});
  put.number(uint64_t{10}).number(uint64_t{20}).number(uint8_t{0}).number(uint8_t{1});
  return bytes;
}

TEST(Push, ARecordOfBeforeThePushesIsStillReadAndStillWritten) {
  const auto read = decode_queue(old_record());
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->name, "mails");
  EXPECT_EQ(read->settings.decide.descriptors, std::vector<std::string>{"host={host}"});
  EXPECT_EQ(read->settings.durability, queue::Durability::kOs);
  EXPECT_EQ(read->settings.bytes_max, 20u);
  EXPECT_TRUE(read->settings.paused_out);
  EXPECT_EQ(read->settings.push, queue::Push{});
  EXPECT_EQ(encode_queue(*read), old_record());
  EXPECT_FALSE(decode_queue(old_record() + "x")) << "half a push";
}

TEST(Push, ARecordWithAPushIsTheOldOneAndThePushBehindIt) {
  QueueRecord record = decode_queue(old_record()).value();
  record.settings.push = {"http://h/", "PUT", seconds(3), 5, "KEY"};
  std::string push;
  PutBytes(push).text("http://h/").text("PUT").span(seconds(3)).number(uint16_t{5}).text("KEY");
  EXPECT_EQ(encode_queue(record), old_record() + push);
  EXPECT_EQ(decode_queue(old_record() + push)->settings, record.settings);
  for (size_t size = old_record().size() + 1; size < old_record().size() + push.size(); ++size)
    EXPECT_FALSE(decode_queue((old_record() + push).substr(0, size))) << size;
}

TEST(Push, DescriptorsOfBeforeThePushesAreStillRead) {
  const std::string old("\3\0out\1\4\0host\1\0h\2\1\0a\1\0b\1\0c\1\0d", 28);
  AskText text;
  const limiter::Ask ask = text.decode(old, 5);
  EXPECT_EQ(ask.domain, "out");
  ASSERT_EQ(ask.descriptors.size(), 2u);
  EXPECT_EQ(limiter::to_string(ask.descriptors[1]), "a=b,c=d");
  EXPECT_EQ(ask.also_domain, "");
  EXPECT_THAT(ask.also, IsEmpty());
  Templates templates({"out", {"host={header:h}", "a=b,c=d"}});
  const Header header{"h", "h"};
  Message message;
  message.headers = {&header, 1};
  EXPECT_EQ(templates.render("q", message), old);
}

TEST(Push, OnlyAHostThatDependsOnTheMessageIsEncodedWithIt) {
  const Header headers[] = {{"h", "h"}, {"url", "http://x/"}};
  Message message;
  message.headers = headers;
  AskText text;
  queue::Push push;
  push.url = "{header:url}";
  const queue::Decide decide{"out", {"host={header:h}"}};
  const std::string own("\3\0out\1\4\0host\1\0h", 15);
  const std::string host("\0\10\0outbound\1\4\0host\1\0x", 21);
  Templates both(decide, push), alone({}, push);
  EXPECT_EQ(both.render("q", message), own + host);
  EXPECT_EQ(alone.render("q", message), std::string(2, '\0') + host);
  push.url = "http://y/";
  Templates fixed(decide, push), fixed_alone({}, push), none;
  EXPECT_EQ(fixed.render("q", message), own);
  EXPECT_EQ(fixed_alone.render("q", message), "");

  const auto asked = [&](Templates& templates, const std::string& encoded) {
    const limiter::Ask ask = templates.complete(text.decode(encoded, 5));
    EXPECT_EQ(ask.cost, 5);
    std::string out(ask.domain);
    for (const auto& each : ask.descriptors) out += " " + limiter::to_string(each);
    out += " / " + std::string(ask.also_domain);
    for (const auto& each : ask.also) out += " " + limiter::to_string(each);
    return out;
  };
  EXPECT_EQ(asked(both, own + host), "out host=h / outbound host=x dispatch=global");
  EXPECT_EQ(asked(alone, ""), " / outbound dispatch=global");
  EXPECT_EQ(asked(fixed, own + host), "out host=h / outbound host=y dispatch=global");
  EXPECT_EQ(asked(fixed_alone, ""), " / outbound host=y dispatch=global");
  EXPECT_EQ(asked(none, own + host), "out host=h / ");
  EXPECT_EQ(host_of(both.complete(text.decode(own + host, 1))), "x");
  EXPECT_EQ(host_of(alone.complete(text.decode("", 1))), "");
}

TEST(Push, MessagesOfBeforeAQueueWasPushedObeyItsLimitsToo) {
  TestBed bed({}, push_limits());
  for (int i = 0; i < 5; ++i) bed.enqueue("q", "x");
  bed.set("q", [](queue::Settings& s) { s.push.url = "http://a.test/"; });
  const auto two = bed.dequeue("q", 10);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(bed.ask(Targets{}).rows.at(0).host, "a.test");
  EXPECT_TRUE(bed.ack(two[0]));
  EXPECT_EQ(bed.dequeue("q", 10).size(), 1u);
  bed.set("q", [](queue::Settings& s) { s.push.url = "http://b.test/"; });
  EXPECT_EQ(bed.dequeue("q", 10).size(), 1u) << "another host, but three in all";
  bed.set("q", [](queue::Settings& s) { s.push = {}; });
  EXPECT_EQ(bed.dequeue("q", 10).size(), 1u) << "whom nobody pushes, no such limit holds";
}

}  // namespace
}  // namespace engine

// DISPATCH and its routes, over real shards, real limits and what is known of hosts.
#include <gtest/gtest.h>

#include "command/dispatch_records.h"
#include "command/http_bed.h"
#include "command/talk_bed.h"
#include "dispatch/hosts.h"

namespace command {
namespace {

using namespace std::chrono_literals;

struct DispatchBed : TalkBed {
  DispatchBed() : TalkBed({script_limits(), outbound_limits()}) {
    EXPECT_EQ(line("QUEUE SET hooks push.url {header:url}"), "OK\n");
  }
  void enqueue(std::string_view host, int count = 1) {
    for (int i = 0; i < count; ++i) {
      const std::string said =
          line("ENQUEUE hooks x HEADER url https://" + std::string(host) + "/hook");
      ASSERT_EQ(said.front(), 'm') << said;
    }
  }
  // A request that is answered at once.
  void send(std::string_view host, int status, std::string_view retry_after = {}) {
    clock.pass(1ms);
    const base::Time now = clock.now();
    hosts.begin(host, now);
    const dispatch::Exchange exchange{.status = status, .retry_after = retry_after};
    hosts.end(host, dispatch::judge(exchange, now, 0s), exchange, {.started = now}, now);
  }
  std::string until(base::Duration span) {
    return std::to_string((clock.now() + span).time_since_epoch() / 1ms);
  }
};

TEST(Dispatch, NothingIsKnownAtFirst) {
  DispatchBed bed;
  EXPECT_EQ(bed.line("DISPATCH"), "[]\n");
  EXPECT_EQ(bed.line("DISPATCH a.test"), "NOTFOUND nothing is known of host 'a.test'\n");
  EXPECT_EQ(bed.line("DISPATCH \"\""), "ERR host must have 1 to 300 bytes, not 0\n");
  EXPECT_EQ(bed.line("DISPATCH " + std::string(301, 'a')),
            "ERR host must have 1 to 300 bytes, not 301\n");
}

TEST(Dispatch, TellsWhatWaitsAndWhichLimitHoldsIt) {
  DispatchBed bed;
  bed.enqueue("a.test", 5);
  bed.enqueue("b.test", 2);
  // Two leases reach the cap of their host, so what is left waits at it.
  const std::string leased = bed.line("DEQUEUE hooks COUNT 1000");
  EXPECT_EQ(std::count(leased.begin(), leased.end(), '{') / 2, 3) << leased;
  bed.hosts.begin("a.test", bed.clock.now());
  bed.hosts.begin("a.test", bed.clock.now());
  const std::string said = bed.line("DISPATCH");
  EXPECT_EQ(said.find(R"([{"host":"a.test","in_flight":2,"waiting":3,"reason":"dispatch-)"), 0u)
      << said;
  EXPECT_NE(said.find(R"({"host":"b.test","in_flight":0,"waiting":1,"reason":"dispatch-total")"),
            said.npos)
      << said;
}

TEST(Dispatch, TellsOfBlocksAndRates) {
  DispatchBed bed;
  for (int i = 0; i < 5; ++i) bed.send("a.test", 200);
  bed.send("a.test", 429, "30");
  bed.enqueue("a.test", 2);
  EXPECT_EQ(bed.line("DISPATCH A.test"),
            R"([{"host":"a.test","in_flight":0,"waiting":2,"reason":"retry-after",)"
            R"("blocked_until_ms":)" +
                bed.until(30s) + R"(,"rate":"0.6/s"}])" + "\n");
  bed.pass(30s);
  EXPECT_EQ(bed.line("DISPATCH a.test"),
            R"([{"host":"a.test","in_flight":0,"waiting":2,"reason":null,)"
            R"("blocked_until_ms":null,"rate":"0/s"}])"
            "\n");
}

TEST(Dispatch, AnOperatorsBlockIsToldAsOne) {
  DispatchBed bed;
  bed.enqueue("a.test");
  EXPECT_EQ(bed.line("BLOCK outbound host=a.test 60000"), "OK\n");
  EXPECT_EQ(bed.line("DEQUEUE hooks"), "NIL\n");
  EXPECT_EQ(bed.line("DISPATCH a.test"),
            R"([{"host":"a.test","in_flight":0,"waiting":1,"reason":"blocked",)"
            R"("blocked_until_ms":)" +
                bed.until(60s) + R"(,"rate":"0/s"}])" + "\n");
}

TEST(Dispatch, IsARecordOfEachHostInRespToo) {
  DispatchBed bed;
  bed.send("a.test", 200);
  bed.connect();
  EXPECT_EQ(bed.say(resp({"DISPATCH", "a.test"})),
            "*1\r\n*12\r\n$4\r\nhost\r\n$6\r\na.test\r\n$9\r\nin_flight\r\n:0\r\n"
            "$7\r\nwaiting\r\n:0\r\n$6\r\nreason\r\n$-1\r\n"
            "$16\r\nblocked_until_ms\r\n$-1\r\n$4\r\nrate\r\n$5\r\n0.1/s\r\n");
}

TEST(Dispatch, IsBoundedAndShowsThoseWithMost) {
  DispatchBed bed;
  const base::Time now = bed.clock.now();
  for (int i = 0; i < 1500; ++i) bed.hosts.begin("h" + std::to_string(i), now);
  for (int i = 0; i < 5; ++i) bed.hosts.begin("h1234", now);
  bed.enqueue("w.test", 3);
  const std::string said = bed.line("DISPATCH");
  size_t rows = 0;
  for (size_t at = said.find("\"host\""); at != said.npos; at = said.find("\"host\"", at + 1))
    ++rows;
  EXPECT_EQ(rows, kDispatchRowsMax);
  EXPECT_EQ(said.find(R"([{"host":"h1234","in_flight":6)"), 0u);
  EXPECT_NE(said.find(R"({"host":"w.test","in_flight":0,"waiting":3)"), said.npos);
}

TEST(HttpDispatch, IsAsTheVerb) {
  HttpBed bed;
  EXPECT_EQ(bed.ask("GET", "/v1/dispatch").body, "[]");
  const Asked unknown = bed.ask("GET", "/v1/dispatch/a.test:8080");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.at("field"), "\"host\"");
  EXPECT_EQ(bed.ask("GET", "/v1/dispatch/" + std::string(301, 'a')).status, 422);
  bed.hosts.begin("a.test:8080", bed.clock.now());
  bed.hosts.begin("[::1]", bed.clock.now());
  const std::string row =
      R"({"host":"a.test:8080","in_flight":1,"waiting":0,"reason":null,"blocked_until_ms":null,)"
      R"("rate":"0/s"})";
  EXPECT_EQ(bed.ask("GET", "/v1/dispatch/A.test%3A8080").body, "[" + row + "]");
  EXPECT_EQ(bed.ask("GET", "/v1/dispatch/%5B::1%5D").status, 200);
  EXPECT_EQ(bed.ask("GET", "/v1/dispatch").json().as_array().size(), 2u);
}

TEST(HttpDispatch, WithoutADispatcherSaysSo) {
  HttpBed bed;
  bed.services.hosts = nullptr;
  EXPECT_EQ(bed.ask("GET", "/v1/dispatch").status, 503);
}

}  // namespace
}  // namespace command

// Names and the guard, with answers of name servers that the test tells.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/loopback_bed.h"
#include "http/told_names.h"

namespace http {
namespace {

using loopback_bed::always;
using loopback_bed::Bed;
using loopback_bed::Server;
using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr const char* kOkClose =
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

Bed bed_that_allows(const std::string& allowed, GuardMode mode = GuardMode::kBlock) {
  const std::string allow[] = {allowed};
  return Bed({.guard = *AddressGuard::make(mode, allow), .dns_cache = base::Duration::zero()});
}

TEST(ClientGuard, AnAddressThatIsRefusedIsNeverConnectedTo) {
  Server server(always(kOk), "127.0.0.2");
  Bed bed = bed_that_allows("127.0.0.1");
  const Response answer = bed.fetch(server.url("/", "127.0.0.2"));
  EXPECT_EQ(answer.failure, Failure::kGuard);
  EXPECT_THAT(answer.error, HasSubstr("loopback"));
  EXPECT_EQ(server.connections(), 0);
  EXPECT_EQ(bed.client->connections(), 0u);
}

TEST(ClientGuard, OfANamesAddressesOnlyTheAllowedAreUsed) {
  Server server(always(kOk), "127.0.0.1");
  told_names::tell("two.test", {{.addresses = {"127.0.0.2", "127.0.0.1"}}});
  Bed bed = bed_that_allows("127.0.0.1");
  const Response answer = bed.fetch(server.url("/", "two.test"));
  EXPECT_EQ(answer.status, 200) << answer.error;
}

TEST(ClientGuard, AnAllowedAddressThatRefusesIsAConnectFailure) {
  told_names::tell("closed.test", {{.addresses = {"127.0.0.2", "127.0.0.1"}}});
  Bed bed = bed_that_allows("127.0.0.1");
  uint16_t port = 0;
  { port = Server(always(kOk)).port(); }
  EXPECT_EQ(bed.fetch("http://closed.test:" + std::to_string(port) + "/").failure,
            Failure::kConnect);
}

TEST(ClientGuard, ANameThatChangesItsAnswerIsJudgedAgain) {
  Server server(always(kOkClose), "127.0.0.1");
  told_names::tell("rebind.test", {{.addresses = {"127.0.0.1"}}, {.addresses = {"127.0.0.2"}}});
  Bed bed = bed_that_allows("127.0.0.1");
  EXPECT_EQ(bed.fetch(server.url("/", "rebind.test")).status, 200);
  EXPECT_EQ(told_names::asked("rebind.test"), 1);  // What was judged is what was connected to.
  EXPECT_EQ(bed.fetch(server.url("/", "rebind.test")).failure, Failure::kGuard);
}

TEST(ClientGuard, ANameInTheAllowListOpensWhateverItMeans) {
  Server server(always(kOk), "127.0.0.1");
  told_names::tell("in.house.test", {{.addresses = {"127.0.0.1"}}});
  told_names::tell("house.test", {{.addresses = {"127.0.0.1"}}});
  Bed bed = bed_that_allows("*.house.test");
  EXPECT_EQ(bed.fetch(server.url("/", "in.house.test")).status, 200);
  EXPECT_EQ(bed.fetch(server.url("/", "house.test")).failure, Failure::kGuard);
}

TEST(ClientGuard, ReportModeLetsThroughAndTells) {
  Server server(always(kOk));
  std::string told;
  Bed bed({.guard = *AddressGuard::make(GuardMode::kReport, {}),
           .on_report = [&](std::string_view host, std::string_view range) {
             told.append(host).append(" ").append(range);
           }});
  EXPECT_EQ(bed.fetch(server.url()).status, 200);
  EXPECT_EQ(told, "127.0.0.1 loopback");
}

TEST(ClientGuard, AMetadataNameIsNotEvenLookedUp) {
  told_names::tell("metadata.google.internal", {{.addresses = {"127.0.0.1"}}});
  Bed bed = bed_that_allows("metadata.google.internal", GuardMode::kReport);
  EXPECT_EQ(bed.fetch("http://metadata.google.internal/").failure, Failure::kGuard);
  EXPECT_EQ(told_names::asked("metadata.google.internal"), 0);
}

TEST(ClientGuard, ANameThatIsNotFoundIsADnsFailure) {
  told_names::tell("none.test", {{}});
  Bed bed = bed_that_allows("127.0.0.1");
  EXPECT_EQ(bed.fetch("http://none.test/").failure, Failure::kDns);
}

TEST(ClientGuard, ASlowNameServerHoldsUpNobodyElse) {
  Server server(always(kOk));
  told_names::tell("slow.test", {{.addresses = {"127.0.0.1"}, .after = milliseconds(3000)}});
  Bed bed = bed_that_allows("127.0.0.1");
  const auto begun = std::chrono::steady_clock::now();
  const Response slow = bed.fetch(server.url("/", "slow.test"), {.timeout = milliseconds(150)});
  EXPECT_EQ(slow.failure, Failure::kTimeout) << slow.error;
  EXPECT_EQ(bed.fetch(server.url()).status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(2900));
  std::this_thread::sleep_for(milliseconds(3000));  // Its thread ends by itself.
}

}  // namespace
}  // namespace http

#include "command/http_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command/http_bed.h"
#include "command/records.h"

namespace command {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr std::string_view kJob =
    R"({"domain":"api","descriptors":[[["job","x"]]],"ttl_ms":60000})";

std::string id_of(const Asked& opened) { return opened.json().at("id").as_string().c_str(); }

TEST(HttpCheck, AllowsThenRefusesWithTheWholeRecord) {
  HttpBed bed;
  const Asked first = bed.check("tenant", "acme", 10);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.type, "application/json");
  EXPECT_EQ(first.json(), boost::json::parse(R"({"allowed":true,"limited_by":null,"limit":10,
      "remaining":0,"retry_after_ms":0,"reset_after_ms":1000,"decided_by":"memory","limits":[
      {"name":"per-tenant","descriptor":"tenant=acme","algorithm":"gcra","limit":10,"remaining":0,
       "allowed":true,"retry_after_ms":0,"reset_after_ms":1000,"shadow":false}]})"));
  const Asked second = bed.check("tenant", "acme", 2);
  EXPECT_EQ(second.status, 429);
  EXPECT_EQ(second.type, "application/json");
  EXPECT_EQ(second.json(), boost::json::parse(R"({"allowed":false,"limited_by":"per-tenant",
      "limit":10,"remaining":0,"retry_after_ms":200,"reset_after_ms":1000,"decided_by":"memory",
      "limits":[{"name":"per-tenant","descriptor":"tenant=acme","algorithm":"gcra","limit":10,
      "remaining":0,"allowed":false,"retry_after_ms":200,"reset_after_ms":1000,"shadow":false}]})"));
  bed.clock.pass(milliseconds(200));
  EXPECT_EQ(bed.check("tenant", "acme", 2).status, 200);
}

TEST(HttpCheck, ARefusalOfOneLimitChargesNoOther) {
  HttpBed bed;
  EXPECT_EQ(bed.check("both", "x", 2).status, 200);
  const Asked refused = bed.check("both", "x");
  EXPECT_EQ(refused.at("limited_by"), R"("hourly")");
  EXPECT_EQ(refused.json().at("limits").at(0).at("remaining").as_int64(), 8);
}

TEST(HttpCheck, DryRunChargesNothing) {
  HttpBed bed;
  const std::string_view dry =
      R"({"domain":"api","descriptors":[[["tenant","x"]]],"cost":10,"dry_run":true})";
  EXPECT_EQ(bed.post("/v1/check", dry).status, 200);
  EXPECT_EQ(bed.post("/v1/check", dry).status, 200);
}

TEST(HttpCheck, WhatMatchesNoLimitIsAllowedWithoutNumbers) {
  HttpBed bed;
  const Asked free = bed.check("nobody", "x");
  EXPECT_EQ(free.status, 200);
  EXPECT_EQ(free.at("limit"), "null");
  EXPECT_EQ(free.at("remaining"), "null");
  EXPECT_EQ(free.at("limits"), "[]");
  const Asked unlimited = bed.check("free", "x");
  EXPECT_EQ(unlimited.status, 200);
  EXPECT_TRUE(unlimited.json().at("limits").at(0).at("limit").is_null());
}

TEST(HttpCheck, ACostThatNeverFitsSaysSo) {
  HttpBed bed;
  const Asked never = bed.check("tenant", "acme", 11);
  EXPECT_EQ(never.status, 429);
  EXPECT_EQ(never.at("retry_after_ms"), "-1");
  EXPECT_EQ(never.header("Retry-After"), "");
}

TEST(HttpCheck, AnUnknownDomainIsAProblem) {
  HttpBed bed;
  const Asked asked = bed.post("/v1/check", R"({"domain":"no","descriptors":[[["a","b"]]]})");
  EXPECT_EQ(asked.status, 404);
  EXPECT_EQ(asked.type, "application/problem+json");
  boost::json::value expected = boost::json::parse(
      R"({"type":"about:blank","title":"Not Found","status":404,"code":"NOTFOUND","field":"domain"})");
  expected.as_object()["detail"] = unknown_domain("no").what;
  EXPECT_EQ(asked.json(), expected);
}

TEST(HttpCheck, BadBodiesAreToldApartByStatus) {
  HttpBed bed;
  EXPECT_EQ(bed.post("/v1/check", "{").status, 400);
  EXPECT_EQ(bed.post("/v1/check", "").status, 400);
  EXPECT_EQ(bed.post("/v1/check", "[]").status, 422);
  const Asked unknown = bed.post("/v1/check", R"({"domain":"api","hits_addend":1})");
  EXPECT_EQ(unknown.status, 422);
  EXPECT_EQ(unknown.at("field"), R"("hits_addend")");
  EXPECT_EQ(unknown.at("code"), R"("ERR")");
  EXPECT_EQ(bed.check("tenant", "acme").json().at("remaining").as_int64(), 9);
}

TEST(HttpCheck, TheBodyMustBeJsonByItsType) {
  HttpBed bed;
  constexpr std::string_view kBody = R"({"domain":"api","descriptors":[[["a","b"]]]})";
  const auto status = [&bed, kBody](std::string_view type) {
    return bed.ask("POST", "/v1/check", kBody, type).status;
  };
  EXPECT_EQ(status(""), 200);
  EXPECT_EQ(status("Application/JSON ; charset=utf-8"), 200);
  EXPECT_EQ(status("text/plain"), 415);
  EXPECT_EQ(status("application/jsonx"), 415);
  EXPECT_EQ(status("application/x-www-form-urlencoded"), 415);
}

TEST(HttpChecks, EachIsDecidedOnItsOwnInOrder) {
  HttpBed bed;
  const Asked asked = bed.post("/v1/checks", R"([
      {"domain":"api","descriptors":[[["tenant","a"]]],"cost":8},
      {"domain":"api","descriptors":[[["tenant","a"]]],"cost":8},
      {"domain":"none","descriptors":[[["tenant","a"]]]},
      {"domain":"api","descriptors":[[["tenant","a"]]],"cost":2}])");
  EXPECT_EQ(asked.status, 200);
  const boost::json::array list = asked.json().as_array();
  ASSERT_EQ(list.size(), 4u);
  EXPECT_TRUE(list[0].at("allowed").as_bool());
  EXPECT_EQ(list[0].at("ratelimit").as_string(), R"("per-tenant";r=2;t=1)");
  EXPECT_EQ(list[0].at("ratelimit_policy").as_string(), R"("per-tenant";q=10;w=1)");
  EXPECT_FALSE(list[1].at("allowed").as_bool());
  EXPECT_EQ(list[2].at("code").as_string(), "NOTFOUND");
  EXPECT_EQ(list[2].at("status").as_int64(), 404);
  EXPECT_EQ(list[3].at("remaining").as_int64(), 0);
  EXPECT_EQ(bed.post("/v1/checks", "[]").body, "[]");
}

TEST(HttpChecks, ABriefAnswerIsTheSameWithoutTheLimits) {
  const std::string body = R"([{"domain":"api","descriptors":[[["tenant","a"]]],"cost":8},
                               {"domain":"none","descriptors":[[["tenant","a"]]]}])";
  HttpBed bed, other;
  boost::json::array full = bed.post("/v1/checks?brief=0", body).json().as_array();
  EXPECT_EQ(full[0].as_object().erase("limits"), 1u);
  EXPECT_EQ(other.post("/v1/checks?brief=1", body).json(), full);
  for (const char* wrong : {"/v1/checks?brief=2", "/v1/checks?brief", "/v1/checks?brief=yes"}) {
    const Asked asked = other.post(wrong, body);
    EXPECT_EQ(asked.status, 422) << wrong;
    EXPECT_EQ(asked.at("field"), "\"brief\"") << wrong;
  }
  EXPECT_EQ(other.check("tenant", "a", 2).status, 200) << "what is wrong charges nothing";
}

TEST(HttpChecks, OneBadElementRefusesAllAndChargesNone) {
  HttpBed bed;
  const Asked asked = bed.post("/v1/checks", R"([
      {"domain":"api","descriptors":[[["tenant","a"]]],"cost":8},
      {"domain":"api","descriptors":[[["tenant",""]],[]]}])");
  EXPECT_EQ(asked.status, 422);
  EXPECT_EQ(asked.at("field"), R"("[1].descriptors[1]")");
  EXPECT_EQ(bed.check("tenant", "a", 10).status, 200);
}

TEST(HttpReservations, CommitChargesTheTruth) {
  HttpBed bed;
  const Asked opened =
      bed.post("/v1/reservations",
               R"({"domain":"api","descriptors":[[["day","x"]]],"cost":90,"ttl_ms":1000})");
  ASSERT_EQ(opened.status, 201);
  const std::string path = "/v1/reservations/" + id_of(opened);
  EXPECT_EQ(opened.header("Location"), path);
  EXPECT_EQ(bed.check("day", "x", 11).status, 429);
  const Asked charged = bed.post(path + "/commit", R"({"cost":30})");
  EXPECT_EQ(charged.status, 200);
  EXPECT_EQ(charged.body, R"({"charged":30})");
  EXPECT_EQ(bed.check("day", "x", 70).status, 200);
  EXPECT_EQ(bed.post(path + "/commit", R"({"cost":30})").status, 404);
  EXPECT_EQ(bed.ask("DELETE", path).status, 404);
}

TEST(HttpReservations, CommitWithoutACostChargesTheReservedOne) {
  HttpBed bed;
  constexpr std::string_view kReserve =
      R"({"domain":"api","descriptors":[[["day","x"]]],"cost":40,"ttl_ms":1000})";
  const std::string first = id_of(bed.post("/v1/reservations", kReserve));
  EXPECT_EQ(bed.post("/v1/reservations/" + first + "/commit", "").body, R"({"charged":40})");
  const std::string second = id_of(bed.post("/v1/reservations", kReserve));
  EXPECT_EQ(bed.post("/v1/reservations/" + second + "/commit", "{}").body, R"({"charged":40})");
}

TEST(HttpReservations, CancelGivesBackAndARefusalIsAProblem) {
  HttpBed bed;
  constexpr std::string_view kReserve =
      R"({"domain":"api","descriptors":[[["day","x"]]],"cost":100,"ttl_ms":1000})";
  const std::string id = id_of(bed.post("/v1/reservations", kReserve));
  const Asked refused = bed.post("/v1/reservations", kReserve);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.type, "application/problem+json");
  EXPECT_EQ(refused.at("type"),
            R"("https://iana.org/assignments/http-problem-types#quota-exceeded")");
  EXPECT_EQ(refused.at("violated-policies"), R"(["daily"])");
  EXPECT_EQ(refused.at("code"), R"("LIMITED")");
  EXPECT_GT(refused.json().at("retry_after_ms").as_int64(), 0);
  EXPECT_THAT(refused.header("RateLimit"), HasSubstr(R"("daily";r=0;t=)"));
  EXPECT_NE(refused.header("Retry-After"), "");
  const Asked cancelled = bed.ask("DELETE", "/v1/reservations/" + id);
  EXPECT_EQ(cancelled.status, 204);
  EXPECT_EQ(cancelled.body, "");
  EXPECT_EQ(bed.post("/v1/reservations", kReserve).status, 201);
}

TEST(HttpReservations, TheTimeIsNeededAndBounded) {
  HttpBed bed;
  EXPECT_EQ(
      bed.post("/v1/reservations", R"({"domain":"api","descriptors":[[["day","x"]]],"cost":1})")
          .at("field"),
      R"("ttl_ms")");
  EXPECT_EQ(bed.post("/v1/reservations",
                     R"({"domain":"api","descriptors":[[["day","x"]]],"cost":1,"ttl_ms":43200001})")
                .status,
            422);
  EXPECT_EQ(bed.post("/v1/reservations",
                     R"({"domain":"no","descriptors":[[["day","x"]]],"cost":1,"ttl_ms":1})")
                .status,
            404);
}

TEST(HttpHolds, ArePlacesThatComeBack) {
  HttpBed bed;
  const std::string first = id_of(bed.post("/v1/holds", kJob));
  EXPECT_EQ(bed.post("/v1/holds", kJob).status, 201);
  EXPECT_EQ(bed.post("/v1/holds", kJob).status, 429);
  EXPECT_EQ(bed.ask("DELETE", "/v1/holds/" + first).status, 204);
  EXPECT_EQ(bed.ask("DELETE", "/v1/holds/" + first).status, 404);
  EXPECT_EQ(bed.post("/v1/holds", kJob).status, 201);
}

TEST(HttpHolds, ARenewedHoldOutlivesItsFirstTime) {
  HttpBed bed;
  const std::string path = "/v1/holds/" + id_of(bed.post("/v1/holds", kJob));
  bed.clock.pass(seconds(50));
  EXPECT_EQ(bed.ask("PUT", path, R"({"ttl_ms":60000})").status, 204);
  bed.clock.pass(seconds(50));
  EXPECT_EQ(bed.ask("PUT", path, R"({"ttl_ms":60000})").status, 204);
  bed.clock.pass(seconds(60));
  EXPECT_EQ(bed.ask("PUT", path, R"({"ttl_ms":60000})").status, 404);
  EXPECT_EQ(bed.ask("PUT", path, "{}").status, 422);
  EXPECT_EQ(bed.ask("PUT", "/v1/holds/never", R"({"ttl_ms":1})").status, 404);
}

TEST(HttpLimits, AreListedByDomain) {
  HttpBed bed;
  const boost::json::array all = bed.ask("GET", "/v1/limits").json().as_array();
  EXPECT_EQ(all.size(), 9u);
  EXPECT_EQ(all[0].at("name").as_string(), "per-tenant");
  EXPECT_EQ(bed.ask("GET", "/v1/limits/api").json().as_array(), all);
  EXPECT_EQ(bed.ask("GET", "/v1/limits/%61pi?x=1").json().as_array(), all);
  EXPECT_EQ(bed.ask("GET", "/v1/limits/none").status, 404);
  EXPECT_EQ(bed.ask("GET", "/v1/limits/%ff").status, 400);
  EXPECT_EQ(bed.ask("GET", "/v1/limits/%6").status, 400);
  EXPECT_EQ(bed.ask("GET", "/v1/limits/%zz").status, 400);
  EXPECT_EQ(bed.ask("GET", "/v1/limits/a%2Fb").status, 404);
  EXPECT_EQ(bed.ask("GET", "/v1/limits/").status, 404);
}

TEST(HttpWhy, ShowsEachLimitAndChargesNothing) {
  HttpBed bed;
  bed.check("both", "x", 2);
  constexpr std::string_view kWhy = R"({"domain":"api","descriptors":[[["both","x"]]]})";
  const boost::json::array rows = bed.post("/v1/why", kWhy).json().as_array();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].at("name").as_string(), "fast");
  EXPECT_TRUE(rows[0].at("allowed").as_bool());
  EXPECT_FALSE(rows[1].at("allowed").as_bool());
  EXPECT_EQ(bed.post("/v1/why", kWhy).json().as_array(), rows);
  EXPECT_EQ(bed.post("/v1/why", R"({"domain":"no","descriptors":[[["a","b"]]]})").status, 404);
}

TEST(HttpBlock, RefusesUntilItsEndAndForgetEndsIt) {
  HttpBed bed;
  constexpr std::string_view kWho = R"("domain":"api","descriptor":[["tenant","a"]])";
  const auto body = [&](std::string_view more) {
    return "{" + std::string(kWho) + std::string(more) + "}";
  };
  EXPECT_EQ(bed.post("/v1/block", body(R"(,"ms":1500)")).status, 204);
  const Asked refused = bed.check("tenant", "a");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.at("limited_by"), R"("blocked")");
  EXPECT_EQ(refused.at("retry_after_ms"), "1500");
  EXPECT_EQ(refused.header("Retry-After"), "2");
  EXPECT_EQ(bed.post("/v1/block", body(R"(,"ms":0)")).status, 204);
  EXPECT_EQ(bed.check("tenant", "a", 10).status, 200);
  EXPECT_EQ(bed.check("tenant", "a", 1).status, 429);
  EXPECT_EQ(bed.post("/v1/forget", body("")).status, 204);
  EXPECT_EQ(bed.check("tenant", "a", 10).status, 200);
  EXPECT_EQ(bed.post("/v1/block", body("")).at("field"), R"("ms")");
  EXPECT_EQ(bed.post("/v1/block", body(R"(,"ms":31536000001)")).status, 422);
}

TEST(HttpBlock, NeedsTheAdminRight) {
  HttpBed bed;
  bed.caller.admin = false;
  for (const std::string_view path : {"/v1/block", "/v1/forget"}) {
    const Asked asked = bed.post(path, "{}");
    EXPECT_EQ(asked.status, 403);
    EXPECT_EQ(asked.at("code"), R"("NOPERM")");
  }
  EXPECT_EQ(bed.check("tenant", "a").status, 200);
}

TEST(HttpProcess, AnswersHealthMetricsAndVersion) {
  HttpBed bed;
  EXPECT_EQ(bed.ask("GET", "/livez").body, R"({"status":"live"})");
  EXPECT_EQ(bed.ask("HEAD", "/livez").status, 200);
  EXPECT_EQ(bed.ask("GET", "/readyz").body, R"({"status":"ready"})");
  EXPECT_EQ(bed.ask("GET", "/version").body,
            R"({"name":"ratelimmq","version":"1.2.3","commit":"abc"})");
  const Asked metrics = bed.ask("GET", "/metrics");
  EXPECT_EQ(metrics.type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(metrics.body, "ratelimmq_x_total 1\n");
  bed.process.shut_down();
  const Asked stopping = bed.ask("GET", "/readyz");
  EXPECT_EQ(stopping.status, 503);
  EXPECT_EQ(stopping.at("code"), R"("SHUTDOWN")");
  EXPECT_EQ(bed.ask("GET", "/livez").status, 200);
}

TEST(HttpProcess, StoppingTakesNoNewWorkButLetsRunningWorkEnd) {
  HttpBed bed;
  const std::string hold = id_of(bed.post("/v1/holds", kJob));
  const std::string reservation =
      id_of(bed.post("/v1/reservations",
                     R"({"domain":"api","descriptors":[[["day","x"]]],"cost":1,"ttl_ms":1000})"));
  bed.process.shut_down();
  for (const std::string_view path :
       {"/v1/check", "/v1/checks", "/v1/reservations", "/v1/holds", "/v1/block", "/v1/forget"}) {
    const Asked asked = bed.post(path, "{}");
    EXPECT_EQ(asked.status, 503) << path;
    EXPECT_EQ(asked.at("code"), R"("SHUTDOWN")");
  }
  EXPECT_EQ(bed.post("/v1/reservations/" + reservation + "/commit", "").status, 200);
  EXPECT_EQ(bed.ask("DELETE", "/v1/holds/" + hold).status, 204);
}

TEST(HttpRoutes, UnknownPathsAndMethodsAreToldApart) {
  HttpBed bed;
  EXPECT_EQ(bed.ask("GET", "/").status, 404);
  EXPECT_EQ(bed.ask("GET", "/v1/check/").status, 404);
  EXPECT_EQ(bed.ask("POST", "/v1/reservations/a/b/commit", "{}").status, 404);
  EXPECT_EQ(bed.ask("POST", "/v1/reservations//commit", "{}").status, 404);
  const Asked get = bed.ask("GET", "/v1/check");
  EXPECT_EQ(get.status, 405);
  EXPECT_EQ(get.header("Allow"), "POST");
  EXPECT_EQ(bed.ask("PATCH", "/v1/holds/a").header("Allow"), "PUT, DELETE");
  EXPECT_EQ(bed.ask("DELETE", "/v1/limits").header("Allow"), "GET, HEAD");
  EXPECT_EQ(bed.ask("get", "/livez").status, 405);
}

TEST(HttpRoutes, TheLimiterListenerHasOnlyTheLimitsCalls) {
  HttpBed bed;
  bed.listener = Listener::kLimiter;
  EXPECT_EQ(bed.check("tenant", "a").status, 200);
  EXPECT_EQ(bed.ask("GET", "/v1/limits").status, 200);
  EXPECT_EQ(bed.ask("GET", "/metrics").status, 404);
  EXPECT_EQ(bed.ask("POST", "/livez").status, 404);
}

std::vector<limiter::DomainSpec> with_server_limits() {
  std::vector<limiter::DomainSpec> specs = bed_limits();
  limiter::DomainSpec server;
  server.name = "server";
  server.nodes.push_back(bed_node("client_ip", {bed_gcra("per-client", {1, seconds(10)}, 2)}));
  limiter::NodeSpec scope = bed_node("scope", {bed_gcra("whole", {1, seconds(1)}, 3)});
  scope.value = "global";
  server.nodes.push_back(std::move(scope));
  specs.push_back(std::move(server));
  return specs;
}

TEST(HttpServerLimits, ChargeEachRequestPerClientAndInAll) {
  HttpBed bed(with_server_limits());
  EXPECT_EQ(bed.check("tenant", "a").status, 200);
  EXPECT_EQ(bed.ask("GET", "/nowhere").status, 404);
  const Asked refused = bed.check("tenant", "a");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.type, "application/problem+json");
  EXPECT_EQ(refused.at("violated-policies"), R"(["per-client"])");
  EXPECT_EQ(refused.header("Retry-After"), "10");
  EXPECT_EQ(bed.ask("GET", "/nowhere").status, 429);
  bed.caller.address = "10.0.0.1";
  EXPECT_EQ(bed.check("tenant", "a").status, 200);
  EXPECT_EQ(bed.check("tenant", "a").at("violated-policies"), R"(["whole"])");
  for (const std::string_view path : {"/livez", "/readyz", "/metrics", "/version"}) {
    EXPECT_EQ(bed.ask("GET", path).status, 200) << path;
  }
}

TEST(HttpProblem, IsMadeForTheListenerToo) {
  const HttpAnswer answer = problem(403, "Forbidden", "a foreign Host: \"evil\"", "Host");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.content_type, "application/problem+json");
  EXPECT_EQ(boost::json::parse(answer.body), boost::json::parse(R"({"type":"about:blank",
      "title":"Forbidden","status":403,"detail":"a foreign Host: \"evil\"","code":"NOPERM",
      "field":"Host"})"));
}

}  // namespace
}  // namespace command

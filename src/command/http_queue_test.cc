#include <gtest/gtest.h>

#include "command/http_bed.h"

namespace command {
namespace {

std::string receipt_in(const Asked& dequeued, size_t i = 0) {
  return dequeued.json().at("messages").at(i).at("receipt").as_string().c_str();
}

TEST(HttpQueue, AMessageGoesInIsLeasedAndIsDone) {
  HttpBed bed;
  const Asked in =
      bed.post("/v1/queues/q/messages", R"({"body":"x","key":"k","headers":{"a":"1"}})");
  EXPECT_EQ(in.status, 201);
  const std::string id = in.json().at("ids").at(0).as_string().c_str();
  EXPECT_EQ(in.header("Location"), "/v1/messages/" + id);
  const Asked out = bed.post("/v1/dequeue", R"({"queues":["q"]})");
  ASSERT_EQ(out.status, 200);
  const auto message = out.json().at("messages").at(0);
  EXPECT_EQ(message.at("id").as_string(), id);
  EXPECT_EQ(message.at("body").as_string(), "x");
  EXPECT_EQ(message.at("headers").at("a").as_string(), "1");
  EXPECT_EQ(bed.ask("GET", "/v1/messages/" + id).at("state"), "\"leased\"");
  const std::string body = R"({"receipts":[")" + receipt_in(out) + R"(","r"]})";
  EXPECT_EQ(bed.post("/v1/ack", body).body,
            R"({"results":[{"receipt":")" + receipt_in(out) +
                R"(","ok":true},{"receipt":"r","ok":false,"code":"STALE"}]})");
  EXPECT_EQ(bed.ask("GET", "/v1/messages/" + id).status, 404);
  EXPECT_EQ(bed.ask("DELETE", "/v1/messages/" + id).status, 404);
}

TEST(HttpQueue, AListOfMessagesIsTakenWholeOrNotAtAll) {
  HttpBed bed;
  EXPECT_EQ(bed.post("/v1/queues/q/messages", R"({"messages":[{"body":"a"},{"key":"b"}]})").status,
            422);
  EXPECT_EQ(bed.post("/v1/dequeue", R"({"queues":["q"]})").body, R"({"messages":[]})");
  const Asked in =
      bed.post("/v1/queues/q/messages", R"({"messages":[{"body":"a"},{"body_base64":"/w=="}]})");
  EXPECT_EQ(in.json().at("ids").as_array().size(), 2u);
  const Asked out = bed.post("/v1/dequeue", R"({"queues":["none","q"],"count":5})");
  const auto messages = out.json().at("messages").as_array();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[1].at("body_base64").as_string(), "/w==");
}

TEST(HttpQueue, SettlesSeveralReceipts) {
  HttpBed bed;
  bed.post("/v1/queues/q/messages", R"({"messages":[{"body":"a"},{"body":"b"}]})");
  const Asked out = bed.post("/v1/dequeue", R"({"queues":["q"],"count":2,"lease_ms":1000})");
  const std::string both =
      R"("receipts":[")" + receipt_in(out) + R"(",")" + receipt_in(out, 1) + R"("])";
  const Asked longer = bed.post("/v1/extend", "{" + both + R"(,"lease_ms":5000})");
  EXPECT_EQ(longer.json().at("results").at(1).at("lease_until_ms").as_int64(), 1'750'000'005'000);
  const Asked back = bed.post("/v1/requeue", "{" + both + "}");
  EXPECT_TRUE(back.json().at("results").at(0).at("ok").as_bool());
  EXPECT_FALSE(
      bed.post("/v1/nack", "{" + both + "}").json().at("results").at(0).at("ok").as_bool());
  const Asked again = bed.post("/v1/dequeue", R"({"queues":["q"],"count":2})");
  bed.post("/v1/nack",
           R"({"receipts":[")" + receipt_in(again) + R"("],"dead":true,"reason":"no"})");
  const Asked dead = bed.ask("GET", "/v1/queues/q/dead?count=1");
  ASSERT_EQ(dead.json().at("messages").as_array().size(), 1u);
  EXPECT_EQ(dead.json().at("messages").at(0).at("reason").as_string(), "no");
  const std::string next = dead.json().at("next").as_string().c_str();
  EXPECT_EQ(bed.ask("GET", "/v1/queues/q/dead?after=" + next).body,
            R"({"messages":[],"next":null})");
  EXPECT_EQ(bed.post("/v1/queues/q/redrive", "").body, R"({"will_move":1})");
}

TEST(HttpQueue, SettingsAreSetAndTold) {
  HttpBed bed;
  const std::string settings =
      R"({"lease":"1m","attempts":3,"backoff":{"base":500,"factor":1.5,"jitter":1e-1},)"
      R"("decide":{"domain":"api","descriptors":["tenant={key}"]},"weights":{"a":5,"*":2},)"
      R"("dead_letter":{"expired":true},"max":{"bytes":"1MiB"},)"
      R"("push":{"url":"https://x.test/{key}","method":"PUT","timeout":5000,"redirects":2,)"
      R"("signing_secret_env":"HOOK_SECRET"}})";
  ASSERT_EQ(bed.ask("PUT", "/v1/queues/q", settings).status, 204);
  const auto told = bed.ask("GET", "/v1/queues/q").json().at("settings");
  EXPECT_EQ(boost::json::serialize(told),
            R"({"lease":"1m","attempts":3,"backoff":{"base":"500ms","factor":"1.5","max":"10m",)"
            R"("jitter":"0.1"},"in_flight_per_key":0,"durability":"fsync","ttl":"0",)"
            R"("dedup_window":"5m","decide":{"domain":"api","descriptors":["tenant={key}"]},)"
            R"("dead_letter":{"keep":"0","expired":true},"weights":{"a":5,"*":2},)"
            R"("max":{"messages":0,"bytes":"1MiB"},"push":{"url":"https://x.test/{key}",)"
            R"("method":"PUT","timeout":"5s","redirects":2,"signing_secret_env":"HOOK_SECRET"}})");
  for (const char* wrong :
       {R"({"colour":1})", R"({"lease":0})", R"({"lease":true})", R"({"attempts":"3"})",
        R"({"backoff":{"base":1,"base":2}})", R"({"weights":{"a":-1}})", R"({"max":5})",
        R"({"decide":{"descriptors":["{"]}})", R"({"dead_letter":{"expired":"true"}})",
        R"({"push":{"url":"ftp://x"}})", R"({"push":{"method":"HEAD"}})",
        R"({"push":{"timeout":0}})", R"({"push":{"redirects":21}})", R"({"push":"https://x"})",
        R"({"push":{"signing_secret_env":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS+"}})"}) {
    EXPECT_EQ(bed.ask("PUT", "/v1/queues/q", wrong).status, 422) << wrong;
  }
}

TEST(HttpQueue, QueuesArePausedPurgedListedAndDeleted) {
  HttpBed bed;
  EXPECT_EQ(bed.post("/v1/queues/q/pause", "").status, 404);
  bed.post("/v1/queues/b/messages", R"({"body":"x"})");
  bed.post("/v1/queues/a/messages", R"({"body":"x"})");
  EXPECT_EQ(bed.ask("GET", "/v1/queues?count=1").json().at(0).at("queue").as_string(), "a");
  EXPECT_EQ(bed.ask("GET", "/v1/queues?after=a").json().at(0).at("queue").as_string(), "b");
  EXPECT_EQ(bed.ask("GET", "/v1/queues?count=0").at("field"), "\"count\"");
  EXPECT_EQ(bed.post("/v1/queues/a/pause", R"({"direction":"in"})").status, 204);
  EXPECT_EQ(bed.post("/v1/queues/a/messages", R"({"body":"x"})").status, 507);
  EXPECT_EQ(bed.post("/v1/queues/a/resume", "").status, 204);
  EXPECT_EQ(bed.post("/v1/queues/a/purge", "").body, R"({"purged":1})");
  EXPECT_EQ(bed.ask("DELETE", "/v1/queues/a").status, 204);
  EXPECT_EQ(bed.ask("GET", "/v1/queues/a").status, 404);
}

TEST(HttpQueue, FieldsAtFaultAreNamed) {
  HttpBed bed;
  const auto field = [&](std::string_view path, std::string_view body) {
    const Asked asked = bed.post(path, body);
    return asked.status == 422 ? asked.at("field") : std::to_string(asked.status);
  };
  EXPECT_EQ(field("/v1/queues/q/messages", "{}"), "\"body\"");
  EXPECT_EQ(field("/v1/queues/q/messages", R"({"body":"","body_base64":""})"), "\"body_base64\"");
  EXPECT_EQ(field("/v1/queues/q/messages", R"({"body_base64":"*"})"), "\"body_base64\"");
  EXPECT_EQ(field("/v1/queues/q/messages", R"({"messages":[]})"), "\"messages\"");
  EXPECT_EQ(field("/v1/queues/q/messages", R"({"messages":[{"body":1}]})"), "\"messages[0].body\"");
  EXPECT_EQ(field("/v1/queues/q/messages", R"({"body":"","headers":{"a":1}})"), "\"headers.a\"");
  EXPECT_EQ(field("/v1/queues/%0a/messages", R"({"body":""})"), "\"queue\"");
  EXPECT_EQ(field("/v1/dequeue", R"({"queues":["q"],"lease_ms":0})"), "\"lease_ms\"");
  EXPECT_EQ(field("/v1/dequeue", R"({"queues":["q",""]})"), "\"queues[1]\"");
  EXPECT_EQ(field("/v1/queues/q/redrive", R"({"rate":"x"})"), "\"rate\"");
}

}  // namespace
}  // namespace command

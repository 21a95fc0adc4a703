#include "server/test_bed.h"

namespace server {
namespace {

std::string check_body() { return R"({"domain":"api","descriptors":[[["tenant","acme"]]]})"; }
std::string check_request(const Client& client, const std::string& fields = {}) {
  const std::string body = check_body();
  return "POST /v1/check HTTP/1.1\r\nHost: " + client.host() +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + fields + "\r\n" + body;
}

TEST(Api, OneConnectionServesManyRequests) {
  const Bed bed;
  Client client = bed.api();
  EXPECT_EQ(client.get("/livez").status, 200);
  EXPECT_EQ(client.get("/readyz").status, 200);
  EXPECT_EQ(client.get("/version").status, 200);
  EXPECT_EQ(client.get("/nowhere").status, 404);
  EXPECT_EQ(client.get("/livez").status, 200);
}

TEST(Api, PipelinedDecisionsAreAnsweredInOrder) {
  const Bed bed;
  Client client = bed.api();
  std::string all;
  for (int i = 0; i < 4; ++i)
    all += check_request(client, "X-Request-Id: r" + std::to_string(i) + "\r\n");
  client.send(all);
  for (int i = 0; i < 4; ++i) {
    const Client::Response answer = client.response();
    EXPECT_EQ(answer.status, i < 2 ? 200 : 429) << answer.body;
    EXPECT_TRUE(answer.has("\r\nX-Request-Id: r" + std::to_string(i) + "\r\n")) << answer.head;
  }
}

TEST(Api, ARefusalSaysWhenToRetry) {
  const Bed bed;
  Client client = bed.api();
  for (int i = 0; i < 3; ++i) client.send(check_request(client));
  client.response();
  client.response();
  const Client::Response refused = client.response();
  EXPECT_EQ(refused.status, 429);
  EXPECT_TRUE(refused.has("\r\nRetry-After: ")) << refused.head;
}

TEST(Api, ABodyMayComeInChunks) {
  const Bed bed;
  Client client = bed.api();
  client.send("POST /v1/check HTTP/1.1\r\nHost: " + client.host() +
              "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char c : check_body()) client.send(std::string("1\r\n") + c + "\r\n");
  client.send("0\r\n\r\n");
  EXPECT_EQ(client.response().status, 200);
}

TEST(Api, HeadIsAnsweredWithoutABody) {
  const Bed bed;
  Client client = bed.api();
  client.send("HEAD /livez HTTP/1.1\r\nHost: " + client.host() + "\r\n\r\n");
  const Client::Response answer = client.response(true);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("\r\nContent-Length: 17\r\n")) << answer.head;
  EXPECT_EQ(client.get("/livez").status, 200);  // No byte of a body came in between.
}

TEST(Api, WhoWaitsForContinueIsToldToGoOn) {
  const Bed bed;
  Client client = bed.api();
  const std::string request = check_request(client, "Expect: 100-continue\r\n");
  const size_t body = request.size() - check_body().size();
  client.send(request.substr(0, body));
  EXPECT_EQ(client.response().status, 100);
  client.send(request.substr(body));
  EXPECT_EQ(client.response().status, 200);
}

TEST(Api, OldHttpIsAnsweredThenClosed) {
  const Bed bed;
  Client client = bed.api();
  client.send("GET /livez HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(client.rest().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST(Api, ABodyTooLargeIsRefusedAndTheAnswerArrives) {
  ServerOptions options = Bed::options();
  options.body_bytes_max = 1000;
  const Bed bed(options);
  Client client = bed.api();
  // The client goes on sending after the server has made up its mind.
  client.send("POST /v1/check HTTP/1.1\r\nHost: " + client.host() +
              "\r\nContent-Length: 3000000\r\n\r\n");
  client.send(std::string(3'000'000, 'x'));
  const Client::Response answer = client.response();
  EXPECT_EQ(answer.status, 413);
  EXPECT_TRUE(answer.has("\r\nContent-Type: application/problem+json\r\n")) << answer.head;
  EXPECT_TRUE(answer.has("\r\nConnection: close\r\n"));
}

TEST(Api, WhatCannotBeReadIsRefusedAsAProblem) {
  const Bed bed;
  const auto status = [&](const std::string& bytes) {
    Client client = bed.api();
    client.send(bytes);
    return client.response().status;
  };
  EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status("nonsense\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x')), 431);
}

TEST(Api, AForeignHostOrAPageOfAnotherSiteIsRefused) {
  const Bed bed;
  Client client = bed.api();
  client.send("GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  const Client::Response answer = client.response();
  EXPECT_EQ(answer.status, 403);
  EXPECT_NE(answer.body.find("\"status\":403"), std::string::npos) << answer.body;
  EXPECT_EQ(client.get("/livez", "Origin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(client.get("/livez", "Sec-Fetch-Site: cross-site\r\n").status, 403);
  EXPECT_EQ(client.get("/livez", "Origin: http://" + client.host() + "\r\n").status, 200);
  EXPECT_EQ(client.get("/livez", "Sec-Fetch-Site: none\r\n").status, 200);
}

TEST(Api, ARequestThatTakesTooLongIsToldSo) {
  ServerOptions options = Bed::options();
  options.request_timeout = std::chrono::milliseconds(50);
  const Bed bed(options);
  Client client = bed.api();
  client.send("GET /livez HTTP/1.1\r\nHo");
  EXPECT_EQ(client.response().status, 408);
  EXPECT_EQ(client.rest(), "");
}

TEST(Api, AnIdleConnectionIsClosedWithoutAWord) {
  ServerOptions options = Bed::options();
  options.idle_timeout = std::chrono::milliseconds(50);
  const Bed bed(options);
  Client client = bed.api();
  EXPECT_EQ(client.get("/livez").status, 200);
  EXPECT_EQ(client.rest(), "");
}

TEST(Api, MetricsShowEveryRoom) {
  const Bed bed;
  Client line = bed.tcp();
  line.send("CHECK api tenant=a\n");
  line.line();
  Client client = bed.api();
  const Client::Response answer = client.get("/metrics");
  EXPECT_TRUE(answer.has("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  for (const char* name :
       {"ratelimmq_build_info{", "ratelimmq_server_connections{listener=\"tcp\"} 1\n",
        "ratelimmq_server_connections_total{", "ratelimmq_server_received_bytes_total{",
        "ratelimmq_http_requests_total{code_class=\"2xx\"} 0\n",
        "ratelimmq_http_request_duration_seconds_bucket{", "ratelimmq_command_",
        "ratelimmq_limiter_", "ratelimmq_config_last_reload_successful 1\n",
        "process_resident_memory_bytes ", "process_cpu_seconds_total ", "process_open_fds ",
        "process_start_time_seconds "}) {
    EXPECT_NE(answer.body.find(name), std::string::npos) << name;
  }
  EXPECT_EQ(bed.metric("ratelimmq_http_requests_total{code_class=\"2xx\"}"), "1");
}

}  // namespace
}  // namespace server

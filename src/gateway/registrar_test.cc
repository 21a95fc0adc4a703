#include "gateway/registrar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>

#include "gateway/site_bed.h"
#include "http/loopback_bed.h"
#include "redis/test_server.h"

namespace gateway {
namespace {

using loopback_bed::Peer;
using loopback_bed::Server;
using site_bed::run;
using std::chrono::milliseconds;
using testing::HasSubstr;

// Writes down what it is told, as "/path body", and answers as a gateway does.
class ToldGateway {
 public:
  ToldGateway() : server_([this](Peer& peer) { talk(peer); }) {}

  std::string url() const { return server_.url(""); }
  size_t count(const std::string& path) const {
    const std::lock_guard guard(mutex_);
    return static_cast<size_t>(std::ranges::count_if(
        told_, [&](const std::string& each) { return each.starts_with(path + " "); }));
  }
  std::vector<std::string> told() const {
    const std::lock_guard guard(mutex_);
    return told_;
  }
  std::string last_head() const {
    const std::lock_guard guard(mutex_);
    return head_;
  }
  std::atomic<int> status{200};
  std::atomic<int> delay_ms{0};
  std::string ttl = "10";

 private:
  void talk(Peer& peer) {
    for (std::string request = peer.request(); !request.empty(); request = peer.request()) {
      const size_t end = request.find("\r\n\r\n"), path = request.find(' ') + 1;
      std::this_thread::sleep_for(milliseconds(delay_ms.load()));
      {
        const std::lock_guard guard(mutex_);
        head_ = request.substr(0, end);
        told_.push_back(request.substr(path, request.find(' ', path) - path) + " " +
                        request.substr(end + 4));
      }
      const std::string body = "{\"registered\":true,\"instances\":1,\"ttl_s\":" + ttl + "}";
      peer.send("HTTP/1.1 " + std::to_string(status.load()) +
                " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    }
  }

  mutable std::mutex mutex_;
  std::vector<std::string> told_;
  std::string head_;
  Server server_;  // Last: its threads use the others.
};

const std::string kRegister = "/register_rate_limiter", kLeave = "/deregister_rate_limiter";

struct RegistrarBed {
  RegistrarOptions options{.advertise_port = 8001,
                           .heartbeat = milliseconds(40),
                           .timeout = milliseconds(500),
                           .retry_min = milliseconds(10),
                           .retry_max = milliseconds(40)};
  io::Loop loop;
  std::optional<Registrar> registrar;

  void start() {
    ASSERT_TRUE(Registrar::check(options));
    registrar.emplace(loop, options);
    registrar->start();
  }
  bool stop() {
    bool left = false;
    registrar->stop([&] { left = true; });
    EXPECT_FALSE(left) << "from inside";
    return run(loop, [&] { return left; });
  }
};

TEST(Registrar, SaysAgainAndAgainThatItIsThereAndThenThatItLeaves) {
  ToldGateway gateway;
  RegistrarBed bed;
  bed.options.register_with = {gateway.url() + "/"};
  bed.options.advertise_host = "10.0.0.7";
  bed.start();
  ASSERT_TRUE(run(bed.loop, [&] { return gateway.count(kRegister) >= 3; }));
  ASSERT_TRUE(run(bed.loop, [&] { return bed.registrar->registered() == 1; }));
  EXPECT_EQ(gateway.told()[0], kRegister + R"( {"host":"10.0.0.7","port":8001})");
  EXPECT_THAT(gateway.last_head(), testing::Not(HasSubstr("Authorization")));
  EXPECT_TRUE(bed.stop());
  EXPECT_EQ(gateway.told().back(), kLeave + R"( {"host":"10.0.0.7","port":8001})");
  EXPECT_EQ(bed.registrar->registered(), 0u);
  const size_t beats = gateway.count(kRegister);
  run(
      bed.loop, [] { return false; }, milliseconds(120));
  EXPECT_EQ(gateway.count(kRegister), beats);
}

TEST(Registrar, WithoutAHostItAdvertisesTheAddressThatItReachesTheGatewayBy) {
  ToldGateway gateway;
  RegistrarBed bed;
  bed.options.register_with = {gateway.url()};
  bed.start();
  ASSERT_TRUE(run(bed.loop, [&] { return bed.registrar->registered() == 1; }));
  EXPECT_EQ(gateway.told()[0], "/health ");
  EXPECT_EQ(gateway.told()[1], kRegister + R"( {"host":"127.0.0.1","port":8001})");
}

TEST(Registrar, BringsItsSecret) {
  ToldGateway gateway;
  RegistrarBed bed;
  bed.options.register_with = {gateway.url()};
  bed.options.advertise_host = "10.0.0.7";
  bed.options.secret = "s3cret";
  bed.start();
  ASSERT_TRUE(run(bed.loop, [&] { return bed.registrar->registered() == 1; }));
  EXPECT_THAT(gateway.last_head(), HasSubstr("Authorization: Bearer s3cret\r\n"));
}

TEST(Registrar, TriesAgainUntilTheGatewayIsThere) {
  const uint16_t port = redis_bed::free_port();
  RegistrarBed bed;
  bed.options.register_with = {"http://127.0.0.1:" + std::to_string(port)};
  bed.options.advertise_host = "10.0.0.7";
  bed.start();
  run(
      bed.loop, [] { return false; }, milliseconds(150));
  EXPECT_EQ(bed.registrar->registered(), 0u);
  EXPECT_TRUE(bed.stop());
}

TEST(Registrar, ARefusalIsTriedAgainMoreAndMoreSeldom) {
  ToldGateway gateway;
  gateway.status = 401;
  RegistrarBed bed;
  bed.options.retry_min = milliseconds(10);
  bed.options.retry_max = std::chrono::seconds(5);
  bed.options.register_with = {gateway.url()};
  bed.options.advertise_host = "10.0.0.7";
  bed.start();
  run(
      bed.loop, [] { return false; }, milliseconds(400));
  EXPECT_GE(gateway.count(kRegister), 3u);
  EXPECT_LE(gateway.count(kRegister), 7u);  // At 0, 10, 30, 70, 150, 310 ms.
  gateway.status = 200;
  ASSERT_TRUE(run(bed.loop, [&] { return bed.registrar->registered() == 1; }));
}

TEST(Registrar, OneGatewayThatIsGoneDoesNotHoldUpTheOthers) {
  ToldGateway here;
  RegistrarBed bed;
  bed.options.register_with = {"http://127.0.0.1:" + std::to_string(redis_bed::free_port()),
                               here.url()};
  bed.start();
  ASSERT_TRUE(run(bed.loop, [&] { return here.count(kRegister) >= 3; }));
  EXPECT_EQ(bed.registrar->registered(), 1u);
  EXPECT_TRUE(bed.stop());
  EXPECT_EQ(here.count(kLeave), 1u);
}

TEST(Registrar, HeartbeatsComeBeforeTheGatewayForgets) {
  ToldGateway gateway;
  gateway.ttl = "0.06";
  RegistrarBed bed;
  bed.options.heartbeat = std::chrono::seconds(30);
  bed.options.register_with = {gateway.url()};
  bed.start();
  EXPECT_TRUE(run(
      bed.loop, [&] { return gateway.count(kRegister) >= 5; }, std::chrono::seconds(3)));
}

TEST(Registrar, LeavesBehindTheHeartbeatThatIsOnItsWay) {
  ToldGateway gateway;
  RegistrarBed bed;
  bed.options.register_with = {gateway.url()};
  bed.options.advertise_host = "10.0.0.7";
  gateway.delay_ms = 100;
  bed.start();
  run(
      bed.loop, [] { return false; }, milliseconds(30));
  EXPECT_TRUE(bed.stop());
  EXPECT_EQ(gateway.told().back().substr(0, kLeave.size()), kLeave);
  EXPECT_EQ(gateway.count(kLeave), 1u);
}

TEST(Registrar, AGatewayThatHangsHoldsUpTheStopNoLongerThanTheTimeout) {
  ToldGateway gateway;
  gateway.delay_ms = 700;
  RegistrarBed bed;
  bed.options.timeout = milliseconds(100);
  bed.options.register_with = {gateway.url()};
  bed.options.advertise_host = "10.0.0.7";
  bed.start();
  run(
      bed.loop, [] { return false; }, milliseconds(30));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(bed.stop());
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(500));
}

TEST(Registrar, WithoutGatewaysThereIsNothingToLeave) {
  RegistrarBed bed;
  bed.start();
  EXPECT_TRUE(bed.stop());
}

TEST(Registrar, CheckNamesTheField) {
  RegistrarOptions options{.register_with = {"gateway:8000"}};
  EXPECT_EQ(Registrar::check(options).error().field, "register_with");
  options.register_with = {"http://gateway:8000"};
  EXPECT_TRUE(Registrar::check(options));
  options.heartbeat = {};
  EXPECT_EQ(Registrar::check(options).error().field, "heartbeat");
}

}  // namespace
}  // namespace gateway

#include <sys/resource.h>

#include <thread>

#include "base/check.h"
#include "server/test_bed.h"

namespace server {
namespace {

TEST(Tcp, PingIsAnsweredWhicheverWayLinesEnd) {
  const Bed bed;
  Client client = bed.tcp();
  client.send("PING\nPING\r\n");
  EXPECT_EQ(client.line(), "PONG");
  EXPECT_EQ(client.line(), "PONG");
}

TEST(Tcp, RespIsSpokenOnTheSamePort) {
  const Bed bed;
  Client client = bed.tcp();
  client.send("*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n");
  EXPECT_EQ(client.exactly(15), "+PONG\r\n$2\r\nhi\r\n");
}

TEST(Tcp, TenThousandPipelinedCommandsAreAnsweredInOrder) {
  const Bed bed;
  Client client = bed.tcp();
  std::string all;
  for (int i = 0; i < 10'000; ++i) all += "ECHO n" + std::to_string(i) + "\n";
  client.send(all);
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(client.line(), "n" + std::to_string(i));
}

TEST(Tcp, ACommandMayComeByteByByte) {
  const Bed bed;
  Client client = bed.tcp();
  for (const char c : std::string("ECHO slow\nPING\n")) client.send(std::string(1, c));
  EXPECT_EQ(client.line(), "slow");
  EXPECT_EQ(client.line(), "PONG");
}

TEST(Tcp, HalfACommandIsNotHeldForEver) {
  ServerOptions options = Bed::options();
  options.request_timeout = std::chrono::milliseconds(50);
  const Bed bed(options);
  Client idle = bed.tcp();
  Client half = bed.tcp();
  half.send("PING\nECHO abc");
  EXPECT_EQ(half.line(), "PONG");
  EXPECT_EQ(half.rest(), "");  // Closed.
  idle.send("PING\n");
  EXPECT_EQ(idle.line(), "PONG");
}

TEST(Tcp, HalfACommandAndAClosedSocketLeaveNothingBehind) {
  const Bed bed;
  for (int i = 0; i < 20; ++i) bed.tcp().send("*2\r\n$4\r\nECHO\r\n$100\r\nab");
  for (int i = 0; i < 20; ++i) bed.tcp().send("CHECK api ten");
  Client after = bed.tcp();
  after.send("PING\n");
  EXPECT_EQ(after.line(), "PONG");
  EXPECT_TRUE(
      becomes([&] { return bed.metric("ratelimmq_server_connections{listener=\"tcp\"}") == "1"; }));
}

TEST(Tcp, WhoOnlyStopsSendingStillGetsTheAnswers) {
  const Bed bed;
  Client client = bed.tcp();
  client.send("PING\nECHO a\nECHO half");
  client.end_sending();
  EXPECT_EQ(client.rest(), "PONG\na\n");
}

TEST(Tcp, QuitIsAnsweredThenTheConnectionEnds) {
  const Bed bed;
  Client client = bed.tcp();
  client.send("QUIT\nPING\n");
  EXPECT_EQ(client.rest(), "OK\n");
}

TEST(Tcp, LoopbackHasTheAdminRight) {
  const Bed bed;
  Client client = bed.tcp();
  client.send("FORGET api tenant=a\n");
  EXPECT_FALSE(client.line().starts_with("NOPERM"));
}

// Sends as much as it can without reading an answer; the number of whole requests.
size_t flood(Client& client, const std::string& request, size_t bytes_max) {
  size_t sent = 0;
  while (sent < bytes_max) {
    const std::string_view next = std::string_view(request).substr(sent % request.size());
    const ssize_t took = client.send_some(next, std::chrono::milliseconds(500));
    if (took <= 0) break;
    sent += static_cast<size_t>(took);
  }
  return sent;
}

TEST(Tcp, WhoDoesNotReadIsNotReadFromAndLosesNothing) {
  const Bed bed;
  Client client = bed.tcp();
  const std::string text(8000, 'x');
  const std::string request = "ECHO " + text + "\n";
  constexpr size_t kTooMuch = 100'000'000;  // The kernel's buffers alone take some megabytes.
  const size_t sent = flood(client, request, kTooMuch);
  ASSERT_LT(sent, kTooMuch);
  for (size_t i = 0; i < sent / request.size(); ++i) ASSERT_EQ(client.line(), text) << i;
  Client other = bed.tcp();
  other.send("PING\n");
  EXPECT_EQ(other.line(), "PONG");
}

TEST(Tcp, WhoTakesNothingForTooLongIsClosed) {
  ServerOptions options = Bed::options();
  options.request_timeout = std::chrono::milliseconds(100);
  const Bed bed(options);
  Client client = bed.tcp();
  flood(client, "ECHO " + std::string(8000, 'x') + "\n", 100'000'000);
  EXPECT_TRUE(
      becomes([&] { return bed.metric("ratelimmq_server_connections{listener=\"tcp\"}") == "0"; }));
}

TEST(Tcp, AnIdleConnectionIsNeverClosed) {
  ServerOptions options = Bed::options();
  options.request_timeout = options.idle_timeout = std::chrono::milliseconds(20);
  const Bed bed(options);
  Client client = bed.tcp();
  client.send("PING\n");
  EXPECT_EQ(client.line(), "PONG");
  // Many patiences of the other kind pass.
  for (int i = 0; i < 5; ++i) {
    Client http = bed.api();
    EXPECT_EQ(http.rest(), "");
  }
  client.send("PING\n");
  EXPECT_EQ(client.line(), "PONG");
}

TEST(Tcp, OverTheBoundAConnectionIsToldAndClosed) {
  ServerOptions options = Bed::options();
  options.connections_max = 3;
  const Bed bed(options);
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(bed.tcp());
    clients.back().send("PING\n");
    ASSERT_EQ(clients.back().line(), "PONG");
  }
  EXPECT_EQ(bed.tcp().rest(), "-ERR max number of clients reached\r\n");
  EXPECT_EQ(bed.api().response().status, 503);
  clients.pop_back();
  EXPECT_TRUE(becomes([&] {
    Client again = bed.tcp();
    again.send("PING\n");
    return again.line() == "PONG";
  }));
}

TEST(Tcp, FiveHundredConnectionsAreServed) {
  const Bed bed;
  std::vector<Client> clients;
  for (int i = 0; i < 500; ++i) clients.push_back(bed.tcp());
  for (Client& client : clients) client.send("PING\n");
  for (Client& client : clients) ASSERT_EQ(client.line(), "PONG");
}

// A connection that comes when the process has no descriptor left. False: a thread of the server
// had a file open for a moment, and its number was free again.
bool is_refused_without_descriptors(const Bed& bed, Client& open, Client& api) {
  const std::string name = "ratelimmq_server_accept_errors_total{listener=\"tcp\"} ";
  rlimit before{};
  CHECK(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  io::Fd last(::dup(0));  // The client's socket gets its number, and no other is left.
  const rlimit none{.rlim_cur = static_cast<rlim_t>(last.get()) + 1, .rlim_max = before.rlim_max};
  last.close();
  CHECK(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  Client waiting = bed.tcp();
  waiting.send("PING\n");
  bool refused = false;
  for (int i = 0; i < 100 && !refused; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const std::string text = api.get("/metrics").body;
    const size_t at = text.find(name);
    refused = at != std::string::npos && text[at + name.size()] != '0';
  }
  open.send("PING\n");
  const std::string meanwhile = open.line();
  CHECK(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  EXPECT_EQ(meanwhile, "PONG");
  EXPECT_EQ(waiting.line(), "PONG");
  return refused;
}

TEST(Tcp, OutOfDescriptorsOpenConnectionsAreServedAndNewOnesWait) {
#ifdef RATELIMMQ_SANITIZED
  GTEST_SKIP() << "the sanitizer wants descriptors of its own";
#endif
  const Bed bed;
  Client open = bed.tcp();
  open.send("PING\n");
  ASSERT_EQ(open.line(), "PONG");
  Client api = bed.api();
  ASSERT_EQ(api.get("/livez").status, 200);
  bool refused = false;
  for (int i = 0; i < 5 && !refused; ++i) refused = is_refused_without_descriptors(bed, open, api);
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace server

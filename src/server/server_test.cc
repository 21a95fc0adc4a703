#include "server/server.h"

#include <signal.h>
#include <unistd.h>

#include <fstream>

#include "server/listen.h"
#include "server/storage.h"
#include "server/test_bed.h"

namespace server {
namespace {

class Opening : public testing::Test {
 protected:
  base::Result<std::unique_ptr<Server>> open(ServerOptions options) {
    auto storage = Storage::take({.directory = options.data_dir});
    if (!storage) return storage.error();
    const base::Status done = (*storage)->open({}, {}, limiter_, clock_.now());
    if (!done) return done.error();
    return Server::open(std::move(options),
                        {limiter_, clock_, "", {}, nullptr, std::move(*storage)});
  }
  std::string error_of(ServerOptions options) {
    const auto opened = open(std::move(options));
    return opened ? "(none)" : opened.error().what;
  }
  ServerOptions options(const std::string& data = "data") const {
    ServerOptions out = Bed::options();
    out.data_dir = directory_.path(data);
    return out;
  }
  TempDirectory directory_;
  io::SystemClock clock_;
  limiter::Limiter limiter_{{}};
};

TEST_F(Opening, TheReadyLineTellsTheRealPortsOfWhatIsOn) {
  ServerOptions with = options();
  const auto both = open(with);
  ASSERT_TRUE(both);
  const auto port = [](uint16_t number) { return "127.0.0.1:" + std::to_string(number); };
  EXPECT_EQ((*both)->ready_line(), "ready tcp=" + port((*both)->tcp_port()) +
                                       " api=" + port((*both)->api_port()) +
                                       " gateway=" + port((*both)->gateway_port()));
  EXPECT_NE((*both)->tcp_port(), 0);

  with = options("other");
  with.api.host.clear();
  with.gateway.host.clear();
  const auto one = open(with);
  ASSERT_TRUE(one);
  EXPECT_EQ((*one)->ready_line(), "ready tcp=" + port((*one)->tcp_port()));
}

TEST_F(Opening, ADataDirectoryServesOneServer) {
  const auto first = open(options());
  ASSERT_TRUE(first);
  EXPECT_EQ(error_of(options()), "data directory " + directory_.path("data") +
                                     ": in use by process " + std::to_string(::getpid()));
}

TEST_F(Opening, ABusyPortIsNamed) {
  const auto first = open(options());
  ASSERT_TRUE(first);
  ServerOptions second = options("other");
  second.api.port = (*first)->tcp_port();
  EXPECT_EQ(error_of(second),
            "api 127.0.0.1:" + std::to_string((*first)->tcp_port()) + ": address already in use");
}

TEST_F(Opening, APublicAddressNeedsTrustedNetworks) {
  for (const char* host : {"0.0.0.0", "::", "192.0.2.1"}) {
    ServerOptions with = options();
    with.tcp = {host, 7411};
    const std::string error = error_of(with);
    EXPECT_TRUE(error.starts_with("tcp " + io::join_host_port(host, 7411) + ": ")) << error;
    EXPECT_NE(error.find("trusted_networks"), std::string::npos) << error;
  }
  ServerOptions with = options();
  with.trusted_networks = {"10.0.0.0/33"};
  EXPECT_NE(error_of(with).find("'10.0.0.0/33'"), std::string::npos);
}

TEST_F(Opening, AnUnknownHostIsNamed) {
  ServerOptions with = options();
  with.tcp.host = "no such host";
  EXPECT_TRUE(error_of(with).starts_with("tcp no such host:0: ")) << error_of(with);
}

TEST(Listen, LoopbackAndTheTrustedNetworksMayEnter) {
  const std::vector<std::string> texts = {"10.0.0.0/8"};
  const io::Networks trusted = *io::Networks::parse(texts);
  for (const char* peer : {"127.0.0.1", "::1", "10.1.2.3", "::ffff:10.1.2.3"}) {
    EXPECT_TRUE(may_enter(*io::Ip::parse(peer), trusted)) << peer;
  }
  for (const char* peer : {"11.0.0.1", "192.168.1.1", "2001:db8::1"}) {
    EXPECT_FALSE(may_enter(*io::Ip::parse(peer), trusted)) << peer;
  }
}

TEST(Stop, OpenConnectionsAreEndedAndRunReturns) {
  Bed bed;
  Client idle = bed.tcp(), half = bed.tcp(), http = bed.api();
  half.send("PING\nPI");
  EXPECT_EQ(half.line(), "PONG");
  EXPECT_EQ(http.get("/livez").status, 200);
  bed.server().stop();
  EXPECT_TRUE(bed.ends());
  EXPECT_EQ(idle.rest(), "");
  EXPECT_EQ(half.rest(), "");
  EXPECT_EQ(http.rest(), "");
  EXPECT_FALSE(bed.tcp().connected());
}

TEST(Stop, ShutdownIsAnsweredBeforeTheEnd) {
  Bed bed;
  Client client = bed.tcp();
  client.send("PING\nSHUTDOWN\n");
  EXPECT_EQ(client.rest(), "PONG\nBYE\n");
  EXPECT_TRUE(bed.ends());  // Though the client keeps its socket open.
}

TEST(Stop, WhatIsOwedIsStillSentThoughOthersAreDone) {
  Bed bed;
  Client client = bed.tcp();
  std::vector<Client> idle;  // On both threads.
  for (int i = 0; i < 6; ++i) idle.push_back(bed.tcp());
  const std::string request = "ECHO " + std::string(8000, 'x') + "\n";
  while (client.send_some(request, std::chrono::milliseconds(300)) > 0) {
  }
  bed.server().stop();
  for (Client& other : idle) EXPECT_EQ(other.rest(), "");
  // More than the kernel's buffers hold is still with the server.
  const std::string answers = client.rest();
  EXPECT_GT(answers.size(), size_t{1} << 20);
  EXPECT_EQ(answers.size() % 8001, 0u);  // Whole answers.
  EXPECT_TRUE(bed.ends());
}

TEST(Stop, AClientThatDoesNotReadHoldsItUpNoLongerThanTheTimeout) {
  ServerOptions options = Bed::options();
  options.stop_timeout = std::chrono::milliseconds(50);
  Bed bed(options);
  Client client = bed.tcp();
  const std::string request = "ECHO " + std::string(8000, 'x') + "\n";
  while (client.send_some(request, std::chrono::milliseconds(300)) > 0) {
  }
  bed.server().stop();
  EXPECT_TRUE(bed.ends());
}

TEST(Stop, TwiceIsAsOnce) {
  Bed bed;
  bed.server().stop();
  bed.server().stop();
  EXPECT_TRUE(bed.ends());
}

TEST(Stop, TheSignalsOfTheSystemStopIt) {
  for (const int number : {SIGTERM, SIGINT}) {
    Bed bed;
    ASSERT_EQ(::kill(::getpid(), number), 0);
    EXPECT_TRUE(bed.ends()) << number;
  }
}

// What a reload answers, and how often it was asked.
struct Reloader {
  std::atomic<int> calls{0};
  std::atomic<bool> fails{false};
  Reload operator()() {
    ++calls;
    if (fails) return {.errors = {"limits.yaml:3:5: wrong", "limits.yaml:4:5: also"}, .limits = 1};
    return {.errors = {}, .limits = 1};
  }
};

TEST(Reloading, SighupReloads) {
  Reloader reloader;
  Bed bed(Bed::options(), std::ref(reloader));
  ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
  EXPECT_TRUE(becomes([&] { return reloader.calls == 1; }));
  EXPECT_TRUE(becomes(
      [&] { return bed.metric("ratelimmq_config_reloads_total{result=\"success\"}") == "1"; }));
}

TEST(Reloading, AChangedFileReloads) {
  const TempDirectory directory;
  const std::string file = directory.path("limits.yaml");
  std::ofstream(file) << "one";
  Reloader reloader;
  Bed bed(Bed::options(), std::ref(reloader), {file});
  EXPECT_EQ(bed.api().get("/readyz").status, 200);
  std::ofstream(directory.path("new")) << "two!";
  std::filesystem::rename(directory.path("new"), file);
  EXPECT_TRUE(becomes([&] { return reloader.calls == 1; }));
}

TEST(Reloading, FilesThatAReloadBringsAreWatched) {
  const TempDirectory directory;
  const std::string first = directory.path("first.yaml");
  const std::string later = directory.path("later.yaml");
  std::ofstream(first) << "one";
  std::atomic<int> calls{0};
  const auto reload = [&] {
    ++calls;
    return Reload{.errors = {}, .limits = 1, .watched_files = {first, later}};
  };
  Bed bed(Bed::options(), reload, {first});
  std::ofstream(first) << "another";
  EXPECT_TRUE(becomes([&] { return calls == 1; }));
  std::ofstream(later) << "new";
  EXPECT_TRUE(becomes([&] { return calls == 2; }));
}

TEST(Reloading, AFailureIsShownUntilTheNextSuccess) {
  Reloader reloader;
  Bed bed(Bed::options(), std::ref(reloader));
  EXPECT_EQ(bed.metric("ratelimmq_config_last_reload_successful"), "1");
  reloader.fails = true;
  ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
  EXPECT_TRUE(
      becomes([&] { return bed.metric("ratelimmq_config_last_reload_successful") == "0"; }));
  EXPECT_EQ(bed.metric("ratelimmq_config_reloads_total{result=\"failure\"}"), "1");
  reloader.fails = false;
  ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
  EXPECT_TRUE(
      becomes([&] { return bed.metric("ratelimmq_config_last_reload_successful") == "1"; }));
}

}  // namespace
}  // namespace server

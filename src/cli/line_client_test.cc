#include "cli/line_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "base/check.h"
#include "protocol/protocol.h"

namespace cli {
namespace {

std::vector<std::string> read_back(const std::string& line) {
  protocol::Parser parser{protocol::Bounds{}};
  const std::string bytes = line + '\n';
  RC_ASSERT(parser.step(bytes) == protocol::Parsed::kRequest);
  return {parser.words().begin(), parser.words().end()};
}

TEST(SpellWord, PlainWordsStayAsTheyAre) {
  for (const char* word : {"PING", "client_ip=10.0.0.7", "-1", "a\"b", "{x}", "ä"}) {
    EXPECT_EQ(spell_word(word), word);
  }
}

TEST(SpellWord, WordsThatWouldFallApartAreJsonStrings) {
  EXPECT_EQ(spell_word(""), "\"\"");
  EXPECT_EQ(spell_word("two words"), "\"two words\"");
  EXPECT_EQ(spell_word("\"quoted\""), "\"\\\"quoted\\\"\"");
  EXPECT_EQ(spell_word("a\nb"), "\"a\\nb\"");
}

RC_GTEST_PROP(SpellLine, ReadsBackAsTheSameWords, (std::vector<std::string> words)) {
  RC_PRE(!words.empty());
  // A first word that begins like RESP would be taken for it; no verb does.
  words[0] = "ECHO";
  RC_ASSERT(read_back(spell_line(words)) == words);
}

TEST(IsError, KnowsThePrefixesAsWholeWords) {
  for (const char* answer : {"ERR unknown command", "LIMITED x", "NOTFOUND no", "SHUTDOWN"}) {
    EXPECT_TRUE(is_error(answer)) << answer;
  }
  for (const char* answer : {"PONG", "ERROR", "\"ERR x\"", "NIL", "5", "{\"ERR\":1}", ""}) {
    EXPECT_FALSE(is_error(answer)) << answer;
  }
}

// A socket on loopback that takes one connection, sends its answers and closes.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(::listen(listener_, 1) == 0);
    CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this, text = std::move(answer)] {
      const int peer = ::accept(listener_, nullptr, nullptr);
      char byte = 0;
      while (byte != '\n' && ::recv(peer, &byte, 1, 0) == 1) heard_ += byte;
      CHECK(::send(peer, text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
      ::close(peer);
    });
  }
  ~OneAnswer() {
    if (thread_.joinable()) thread_.join();
    ::close(listener_);
  }
  const std::string& port() const { return port_; }
  std::string heard() {
    thread_.join();
    return heard_;
  }

 private:
  int listener_;
  std::string port_;
  std::string heard_;
  std::thread thread_;
};

TEST(LineClient, SendsALineAndReadsAnswers) {
  OneAnswer server("PONG\nsecond\nrest");
  base::Result<LineClient> client = LineClient::connect("127.0.0.1", server.port());
  ASSERT_TRUE(client);
  ASSERT_TRUE(client->send("PING"));
  EXPECT_EQ(*client->receive(), "PONG");
  EXPECT_EQ(*client->receive(), "second");
  EXPECT_EQ(client->receive().error().code, base::Code::kShutdown);
  EXPECT_EQ(server.heard(), "PING\n");
}

TEST(LineClient, SaysWhereNobodyListens) {
  EXPECT_EQ(LineClient::connect("127.0.0.1", "1").error().what, "127.0.0.1:1: Connection refused");
  EXPECT_EQ(LineClient::connect("127.0.0.1", "x").error().code, base::Code::kIo);
}

}  // namespace
}  // namespace cli

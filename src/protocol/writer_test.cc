#include "protocol/writer.h"

#include <gtest/gtest.h>

#include <functional>

namespace protocol {
namespace {

using Write = std::function<void(Writer&)>;

std::string spelt(Wire wire, const Write& write) {
  std::string out;
  Writer writer(wire, out);
  write(writer);
  EXPECT_TRUE(writer.complete());
  return out;
}

struct Spelling {
  std::string line, resp2, resp3, json;
};
void expect(const Write& write, const Spelling& spelling) {
  EXPECT_EQ(spelt(Wire::kLine, write), spelling.line);
  EXPECT_EQ(spelt(Wire::kResp2, write), spelling.resp2);
  EXPECT_EQ(spelt(Wire::kResp3, write), spelling.resp3);
  EXPECT_EQ(spelt(Wire::kJson, write), spelling.json);
}

TEST(Writer, SimpleStrings) {
  expect([](Writer& w) { w.simple("PONG"); }, {"PONG\n", "+PONG\r\n", "+PONG\r\n", "\"PONG\""});
}

TEST(Writer, Errors) {
  expect([](Writer& w) { w.error(base::Code::kLimited, "retry_after_ms=5"); },
         {"LIMITED retry_after_ms=5\n", "-LIMITED retry_after_ms=5\r\n",
          "-LIMITED retry_after_ms=5\r\n", "{\"error\":\"LIMITED retry_after_ms=5\"}"});
  expect([](Writer& w) { w.error_line("WRONGPASS no such user"); },
         {"WRONGPASS no such user\n", "-WRONGPASS no such user\r\n", "-WRONGPASS no such user\r\n",
          "{\"error\":\"WRONGPASS no such user\"}"});
}

TEST(Writer, AnErrorNeverBreaksItsLine) {
  const Write write = [](Writer& w) { w.error(base::Code::kInvalid, {"a\r\nb\0\x7f", 6}); };
  EXPECT_EQ(spelt(Wire::kLine, write), "ERR a  b  \n");
  EXPECT_EQ(spelt(Wire::kResp2, write), "-ERR a  b  \r\n");
  EXPECT_EQ(spelt(Wire::kResp2, [](Writer& w) { w.simple("a\nb"); }), "+a b\r\n");
}

TEST(Writer, EveryCodeHasItsPrefix) {
  using base::Code;
  EXPECT_EQ(prefix(Code::kInvalid), "ERR");
  EXPECT_EQ(prefix(Code::kIo), "ERR");
  EXPECT_EQ(prefix(Code::kLimited), "LIMITED");
  EXPECT_EQ(prefix(Code::kNoAuth), "NOAUTH");
  EXPECT_EQ(prefix(Code::kNoPerm), "NOPERM");
  EXPECT_EQ(prefix(Code::kNotFound), "NOTFOUND");
  EXPECT_EQ(prefix(Code::kStale), "STALE");
  EXPECT_EQ(prefix(Code::kFull), "FULL");
  EXPECT_EQ(prefix(Code::kReadOnly), "READONLY");
  EXPECT_EQ(prefix(Code::kUnknown), "UNKNOWN");
  EXPECT_EQ(prefix(Code::kShutdown), "SHUTDOWN");
}

TEST(Writer, Integers) {
  expect([](Writer& w) { w.integer(5); }, {"5\n", ":5\r\n", ":5\r\n", "5"});
  expect([](Writer& w) { w.integer(INT64_MIN); },
         {"-9223372036854775808\n", ":-9223372036854775808\r\n", ":-9223372036854775808\r\n",
          "-9223372036854775808"});
}

TEST(Writer, Nothing) {
  expect([](Writer& w) { w.nil(); }, {"NIL\n", "$-1\r\n", "_\r\n", "null"});
  expect([](Writer& w) { w.nil_list(); }, {"NIL\n", "*-1\r\n", "_\r\n", "null"});
}

TEST(Writer, Truth) {
  expect([](Writer& w) { w.truth(true); }, {"1\n", ":1\r\n", ":1\r\n", "true"});
  expect([](Writer& w) { w.truth(false); }, {"0\n", ":0\r\n", ":0\r\n", "false"});
}

TEST(Writer, Texts) {
  expect([](Writer& w) { w.text("hi"); }, {"hi\n", "$2\r\nhi\r\n", "$2\r\nhi\r\n", "\"hi\""});
  expect([](Writer& w) { w.text(""); }, {"\"\"\n", "$0\r\n\r\n", "$0\r\n\r\n", "\"\""});
  expect([](Writer& w) { w.text("a\r\n\xff"); },
         {"\"a\\r\\n\xff\"\n", "$4\r\na\r\n\xff\r\n", "$4\r\na\r\n\xff\r\n",
          "\"a\\r\\n\xef\xbf\xbd\""});
}

TEST(Writer, ALineQuotesOnlyWhatCouldBeMisread) {
  const auto line = [](std::string_view text) {
    return spelt(Wire::kLine, [text](Writer& w) { w.text(text); });
  };
  for (const char* bare : {"a", "a{", "r-1", "-", "1a", "a\\b", "NILS", "ERRATIC", "nil", "\xff",
                           "\xc3\xa9", "OK", "a=b", "1.2.3.4:5"}) {
    EXPECT_EQ(line(bare), std::string(bare) + "\n");
  }
  for (const char* quoted :
       {"a b",   "{",    "[1]",      "5",       "-5",       "+5",      "1.5",
        "1e9",   "NIL",  "ERR",      "LIMITED", "NOAUTH",   "NOPERM",  "NOTFOUND",
        "STALE", "FULL", "READONLY", "UNKNOWN", "SHUTDOWN", "10.0.0.1"}) {
    EXPECT_EQ(line(quoted), "\"" + std::string(quoted) + "\"\n");
  }
  EXPECT_EQ(line("a\"b"), "\"a\\\"b\"\n");
  EXPECT_EQ(line("a\x7f"), "\"a\\u007f\"\n");
  EXPECT_EQ(line("ERR no"), "\"ERR no\"\n");
}

TEST(Writer, Lists) {
  expect([](Writer& w) { w.list(3).integer(1).text("a").nil(); },
         {"[1,\"a\",null]\n", "*3\r\n:1\r\n$1\r\na\r\n$-1\r\n", "*3\r\n:1\r\n$1\r\na\r\n_\r\n",
          "[1,\"a\",null]"});
  expect([](Writer& w) { w.list(0); }, {"[]\n", "*0\r\n", "*0\r\n", "[]"});
}

TEST(Writer, Records) {
  expect(
      [](Writer& w) {
        w.record(3).field("allowed").truth(true).field("limit").integer(5).field("by").nil();
      },
      {"{\"allowed\":true,\"limit\":5,\"by\":null}\n",
       "*6\r\n$7\r\nallowed\r\n:1\r\n$5\r\nlimit\r\n:5\r\n$2\r\nby\r\n$-1\r\n",
       "%3\r\n$7\r\nallowed\r\n:1\r\n$5\r\nlimit\r\n:5\r\n$2\r\nby\r\n_\r\n",
       "{\"allowed\":true,\"limit\":5,\"by\":null}"});
  expect([](Writer& w) { w.record(0); }, {"{}\n", "*0\r\n", "%0\r\n", "{}"});
}

TEST(Writer, NestedValues) {
  const Write write = [](Writer& w) {
    w.list(2);
    w.record(2).field("h").record(1).field("a").text("b").field("l").list(0);
    w.list(1).record(0);
  };
  expect(write, {"[{\"h\":{\"a\":\"b\"},\"l\":[]},[{}]]\n",
                 "*2\r\n*4\r\n$1\r\nh\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nl\r\n*0\r\n*1\r\n*0\r\n",
                 "*2\r\n%2\r\n$1\r\nh\r\n%1\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nl\r\n*0\r\n*1\r\n%0\r\n",
                 "[{\"h\":{\"a\":\"b\"},\"l\":[]},[{}]]"});
}

TEST(Writer, ATextThatIsNoUtf8IsNamedSoInJson) {
  expect([](Writer& w) { w.record(2).field("body").text("a\xff").field("n").integer(1); },
         {"{\"body_base64\":\"Yf8=\",\"n\":1}\n",
          "*4\r\n$4\r\nbody\r\n$2\r\na\xff\r\n$1\r\nn\r\n:1\r\n",
          "%2\r\n$4\r\nbody\r\n$2\r\na\xff\r\n$1\r\nn\r\n:1\r\n",
          "{\"body_base64\":\"Yf8=\",\"n\":1}"});
  EXPECT_EQ(spelt(Wire::kJson, [](Writer& w) { w.list(1).text("a\xff"); }), "[\"a\xef\xbf\xbd\"]");
}

TEST(Writer, AppendsBehindWhatIsThere) {
  std::string out = "+OK\r\n";
  Writer(Wire::kResp2, out).integer(1);
  EXPECT_EQ(out, "+OK\r\n:1\r\n");
}

TEST(Writer, IsCompleteOnlyWithAllItsValues) {
  std::string out;
  Writer writer(Wire::kResp2, out);
  EXPECT_FALSE(writer.complete());
  writer.record(1);
  EXPECT_FALSE(writer.complete());
  writer.field("a");
  EXPECT_FALSE(writer.complete());
  writer.nil();
  EXPECT_TRUE(writer.complete());
}

TEST(WriterDeathTest, WhatWasNotAnnouncedIsABug) {
  const auto write = [](const Write& broken) {
    std::string out;
    Writer writer(Wire::kResp2, out);
    broken(writer);
  };
  EXPECT_DEATH(write([](Writer& w) { w.nil().nil(); }), "CHECK");
  EXPECT_DEATH(write([](Writer& w) { w.list(1).nil().nil(); }), "CHECK");
  EXPECT_DEATH(write([](Writer& w) { w.record(1).nil(); }), "CHECK");
  EXPECT_DEATH(write([](Writer& w) { w.list(1).field("a"); }), "CHECK");
  EXPECT_DEATH(write([](Writer& w) { w.field("a"); }), "CHECK");
  EXPECT_DEATH(write([](Writer& w) { w.record(1).field("a").field("b"); }), "CHECK");
  EXPECT_DEATH(write([](Writer& w) {
                 for (size_t i = 0; i <= Writer::kDepthMax; ++i) w.list(1);
               }),
               "CHECK");
}

}  // namespace
}  // namespace protocol

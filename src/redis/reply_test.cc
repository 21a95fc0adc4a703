#include "redis/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "redis/shown.h"

namespace redis {
namespace {

constexpr size_t kPlenty = size_t{1} << 20;

std::string read(std::string_view bytes, size_t cut = 0, size_t bytes_max = kPlenty) {
  return read_all(bytes, cut == 0 ? bytes.size() + 1 : cut, bytes_max);
}

TEST(RedisReply, ReadsEveryKindOfBothProtocols) {
  EXPECT_EQ(read("+OK\r\n"), "'OK' ");
  EXPECT_EQ(read("-MOVED 1 a:2\r\n"), "!'MOVED 1 a:2' ");
  EXPECT_EQ(read(":-42\r\n"), "-42 ");
  EXPECT_EQ(read("$5\r\na\r\nbc\r\n"), "'a\r\nbc' ");
  EXPECT_EQ(read("$0\r\n\r\n$-1\r\n*-1\r\n_\r\n"), "'' nil nil nil ");
  EXPECT_EQ(read("*2\r\n:1\r\n*1\r\n$1\r\nx\r\n*0\r\n"), "[1 ['x' ] ] [] ");
  EXPECT_EQ(read("#t\r\n#f\r\n,1.5\r\n(123456789012345678901\r\n"),
            "1 0 '1.5' '123456789012345678901' ");
  EXPECT_EQ(read("!9\r\nERR a\r\nb!\r\n"), "!'ERR a\r\nb!' ");
  EXPECT_EQ(read("=8\r\ntxt:some\r\n"), "'some' ");
  EXPECT_EQ(read("%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n~1\r\n:3\r\n"), "['a' 1 'b' 2 ] [3 ] ");
}

TEST(RedisReply, APushIsToldApartAndAnswersNothing) {
  EXPECT_EQ(read(">2\r\n+invalidate\r\n_\r\n+OK\r\n"), ">['invalidate' nil ] 'OK' ");
  EXPECT_EQ(read("*1\r\n>1\r\n:1\r\n"), "broken");
}

TEST(RedisReply, AnAttributeIsThrownAwayWhereverItIs) {
  EXPECT_EQ(read("|1\r\n+ttl\r\n:3600\r\n:5\r\n"), "5 ");
  EXPECT_EQ(read("*2\r\n|1\r\n+a\r\n%1\r\n+b\r\n:1\r\n:7\r\n:8\r\n"), "[7 8 ] ");
  EXPECT_EQ(read("|0\r\n:9\r\n"), "9 ");
}

TEST(RedisReply, WhatIsNoRespIsBroken) {
  for (const char* bytes :
       {"HTTP/1.1 400 Bad Request\r\n", "\r\n", "+OK\rX", ":\r\n", ":1x\r\n", "$-2\r\n", "%-1\r\n",
        "$3\r\nabcd\r\n", "$1\r\na\rb", "#x\r\n", "_x\r\n", "=2\r\nab\r\n", "*?\r\n", "$?\r\n",
        "*9223372036854775807\r\n", "%9223372036854775807\r\n", "?1\r\n"}) {
    EXPECT_EQ(read(bytes), "broken") << bytes;
    EXPECT_EQ(read(bytes, 1), "broken") << bytes;
  }
}

TEST(RedisReply, StaysBroken) {
  ReplyParser parser(kPlenty);
  EXPECT_EQ(parser.step("?\r\n"), ReplyParser::Found::kBroken);
  EXPECT_EQ(parser.step("+OK\r\n"), ReplyParser::Found::kBroken);
}

TEST(RedisReply, DeeperThanItsBoundIsBroken) {
  std::string bytes;
  for (size_t i = 0; i < ReplyParser::kDepthMax; ++i) bytes += "*1\r\n";
  EXPECT_NE(read(bytes + ":1\r\n"), "broken");
  EXPECT_EQ(read(bytes + "*1\r\n"), "broken");
}

TEST(RedisReply, NoReplyTakesMoreMemoryThanItsBound) {
  EXPECT_EQ(read("$900\r\n", 0, 1000), "") << "it may still come";
  EXPECT_EQ(read("$1000\r\n", 0, 1000), "broken") << "before a byte of it has";
  EXPECT_EQ(read("*100\r\n:1\r\n", 0, 1000), "");
  std::string many = "*100\r\n";
  for (int i = 0; i < 100; ++i) many += "_\r\n";
  EXPECT_EQ(read(many, 0, 1000), "broken") << "small elements cost their places";
  const std::string fits = "*2\r\n:1\r\n:2\r\n";
  EXPECT_EQ(read(fits + fits + fits + fits, 0, 4 * sizeof(Reply)), "[1 2 ] [1 2 ] [1 2 ] [1 2 ] ")
      << "the bound is one reply's";
}

TEST(RedisReply, ALineIsBounded) {
  const std::string longest(ReplyParser::kLineMax - 1, 'x');
  EXPECT_NE(read("+" + longest + "\r\n"), "broken");
  EXPECT_EQ(read("+x" + longest + "\r\n"), "broken");
  EXPECT_EQ(read("+x" + longest), "broken");
}

// A value as a server writes it, of any shape.
std::string some_value(int depth) {
  const int kind = *rc::gen::inRange(0, depth == 0 ? 8 : 11);
  const auto text = [] {
    return *rc::gen::container<std::string>(rc::gen::inRange<char>(32, 127));
  };
  const auto blob = [](char mark, const std::string& bytes) {
    return mark + std::to_string(bytes.size()) + "\r\n" + bytes + "\r\n";
  };
  switch (kind) {
    case 0:
      return "+" + text() + "\r\n";
    case 1:
      return "-" + text() + "\r\n";
    case 2:
      return ":" + std::to_string(*rc::gen::arbitrary<int64_t>()) + "\r\n";
    case 3:
      return blob('$', *rc::gen::arbitrary<std::string>());
    case 4:
      return "$-1\r\n";
    case 5:
      return "_\r\n";
    case 6:
      return "#t\r\n";
    case 7:
      return blob('=', "txt:" + text());
    default:
      break;
  }
  const int count = *rc::gen::inRange(0, 4);
  const char mark = "*~%"[kind - 8];
  std::string out = mark + std::to_string(count) + "\r\n";
  for (int i = 0; i < (mark == '%' ? 2 * count : count); ++i) out += some_value(depth - 1);
  return out;
}

RC_GTEST_PROP(RedisReply, WhereTheBytesAreCutChangesNothing, ()) {
  std::string bytes;
  const int count = *rc::gen::inRange(1, 5);
  for (int i = 0; i < count; ++i) bytes += some_value(3);
  const std::string whole = read(bytes);
  RC_ASSERT(whole != "broken" && !whole.empty());
  for (size_t cut = 1; cut < std::min<size_t>(bytes.size(), 40); ++cut) {
    RC_ASSERT(read(bytes, cut) == whole);
  }
}

RC_GTEST_PROP(RedisReply, AChangedByteIsReadTheSameWhereverItIsCut, ()) {
  std::string bytes = some_value(3) + some_value(2);
  bytes[*rc::gen::inRange<size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
  const std::string whole = read(bytes);
  RC_ASSERT(read(bytes, 1) == whole);
  RC_ASSERT(read(bytes, 3) == whole);
}

}  // namespace
}  // namespace redis

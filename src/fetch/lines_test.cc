#include "fetch/lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

namespace fetch {
namespace {

using testing::ElementsAre;
using testing::Pair;

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    out = io::Fd(ends[0]);
    in = io::Fd(ends[1]);
  }
  void put(std::string_view text) {
    EXPECT_EQ(::write(in.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  io::Fd out, in;
};

io::Fd file_with(std::string_view text) {
  std::FILE* const file = std::tmpfile();
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
  io::Fd fd(::dup(::fileno(file)));
  std::fclose(file);
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

std::vector<std::pair<uint64_t, std::string>> all_of(fetch::Source& source) {
  std::vector<std::pair<uint64_t, std::string>> out;
  fetch::Source::Line line;
  while (source.next(line) == fetch::Source::Got::kLine) out.emplace_back(line.index, line.text);
  return out;
}

TEST(Lines, PassesOverBlankLinesAndCommentsAndCountsThem) {
  io::Poll poll;
  Lines lines(poll, {"http://first/"},
              file_with("\xef\xbb\xbfhttp://a/\r\n\n  # no\n \t\r\n  http://b/  \nhttp://c/"));
  EXPECT_THAT(all_of(lines), ElementsAre(Pair(1, "http://first/"), Pair(2, "http://a/"),
                                         Pair(6, "http://b/"), Pair(7, "http://c/")));
}

TEST(Lines, ReadsALargeFileInBlocks) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "http://h/" + std::to_string(i) + "\n";
  io::Poll poll;
  Lines lines(poll, {}, file_with(text));
  const auto all = all_of(lines);
  ASSERT_EQ(all.size(), 50'000u);
  for (size_t i = 0; i < all.size(); ++i)
    ASSERT_EQ(all[i], std::pair(i + 1, "http://h/" + std::to_string(i)));
}

TEST(Lines, ALineWithoutEndTakesNoMemoryAndIsTold) {
  io::Poll poll;
  Lines lines(poll, {},
              file_with("http://a/\n" + std::string(1'000'000, 'x') + "\nhttp://b/\n" +
                        std::string(9000, 'y') + "\nhttp://c/"));
  std::vector<std::pair<uint64_t, bool>> seen;
  fetch::Source::Line line;
  while (lines.next(line) == fetch::Source::Got::kLine) {
    EXPECT_LE(line.text.size(), fetch::Source::kUrlBytesMax);
    seen.emplace_back(line.index, line.too_long);
  }
  EXPECT_THAT(seen, ElementsAre(Pair(1, false), Pair(2, true), Pair(3, false), Pair(4, true),
                                Pair(5, false)));
}

TEST(Lines, WaitsForAPipeWithoutBlocking) {
  io::Poll poll;
  Pipe pipe;
  Lines lines(poll, {}, std::move(pipe.out));
  int told = 0;
  lines.more = [&] { ++told; };
  fetch::Source::Line line;
  EXPECT_EQ(lines.next(line), fetch::Source::Got::kLater);
  pipe.put("http://a/\nhttp://b");
  poll.wait();
  EXPECT_EQ(told, 1);
  ASSERT_EQ(lines.next(line), fetch::Source::Got::kLine);
  EXPECT_EQ(line.text, "http://a/");
  EXPECT_EQ(lines.next(line), fetch::Source::Got::kLater);
  pipe.in.close();
  poll.wait();
  ASSERT_EQ(lines.next(line), fetch::Source::Got::kLine);
  EXPECT_EQ(line.text, "http://b");
  EXPECT_EQ(lines.next(line), fetch::Source::Got::kEnd);
}

TEST(Lines, AFileThatIsNotThereIsNamed) {
  const auto opened = Lines::open("/nowhere/list");
  ASSERT_FALSE(opened.has_value());
  EXPECT_THAT(opened.error().what, testing::HasSubstr("/nowhere/list"));
}

}  // namespace
}  // namespace fetch

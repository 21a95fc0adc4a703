#include "cli/body_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace cli {
namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "ratelimmq-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

std::string text_of(const fs::path& file) {
  std::ostringstream out;
  out << std::ifstream(file).rdbuf();
  return out.str();
}

TEST(BodyFiles, ANameIsOneFileWhateverTheUrlSays) {
  EXPECT_EQ(BodyFiles::name_of(7, "http://a.b:80/c/d.html?secret=1#x"), "00000007-a.b_80_c_d.html");
  EXPECT_EQ(BodyFiles::name_of(1, "http://a/../../etc/passwd"), "00000001-a_.._.._etc_passwd");
  EXPECT_EQ(BodyFiles::name_of(1, "http://a/"), "00000001-a");
  EXPECT_EQ(BodyFiles::name_of(1, std::string("\0/\n\x80", 4)), "00000001-____");
  EXPECT_LE(BodyFiles::name_of(1, "http://" + std::string(5000, 'x')).size(), 200u);
}

TEST(BodyFiles, AnAttemptThatIsMadeAgainBeginsAnew) {
  const Folder folder;
  const auto files = *BodyFiles::open((folder.path / "out").string());
  files->begin(1, "http://a/b");
  ASSERT_TRUE(files->add(1, "the first, and longer"));
  files->begin(1, "http://a/b");
  ASSERT_TRUE(files->add(1, "second"));
  const auto outcome = files->end(1, true);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(text_of(outcome.file), "second");
}

TEST(BodyFiles, WhatDidNotComeWholeIsRemovedAndAnEmptyBodyIsAFile) {
  const Folder folder;
  const auto files = *BodyFiles::open(folder.path.string());
  files->begin(1, "http://a/");
  ASSERT_TRUE(files->add(1, "half"));
  EXPECT_EQ(files->end(1, false).file, "");
  files->begin(2, "http://a/");
  EXPECT_EQ(files->end(2, true).file, (folder.path / "00000002-a").string());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()), 1);
}

TEST(BodyFiles, FollowsNoLink) {
  const Folder folder;
  fs::create_symlink(folder.path / "elsewhere", folder.path / "00000001-a");
  const auto files = *BodyFiles::open(folder.path.string());
  files->begin(1, "http://a/");
  EXPECT_FALSE(files->add(1, "x"));
  EXPECT_NE(files->end(1, true).error, "");
  EXPECT_FALSE(fs::exists(folder.path / "elsewhere"));
}

TEST(BodyFiles, AFolderThatCannotBeIsNamed) {
  const auto opened = BodyFiles::open("/nowhere/at/all");
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().what.find("/nowhere/at/all"), std::string::npos);
}

}  // namespace
}  // namespace cli

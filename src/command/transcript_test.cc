#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/number.h"
#include "command/script.h"

namespace command {
namespace {

std::string unescaped(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      bytes += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'r':
        bytes += '\r';
        break;
      case 'n':
        bytes += '\n';
        break;
      case 't':
        bytes += '\t';
        break;
      case 'x':
        bytes += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
        i += 2;
        break;
      default:
        bytes += text[i];
    }
  }
  return bytes;
}

std::string visible(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    if (c == '\r') {
      text += "\\r";
    } else if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text;
}

std::string array_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    words.push_back(word == "\"\"" ? std::string_view() : word);
    at = end + 1;
  }
  return resp(words);
}

bool plain(char c) { return c > ' ' && c != '"' && c != 0x7f; }

// Matches all of `text` with `pattern`, and keeps what its names stand for.
bool match(std::string_view pattern, std::string_view text,
           std::map<std::string, std::string, std::less<>>& kept) {
  const size_t open = pattern.find("${");
  if (open == std::string_view::npos) return pattern == text;
  if (text.substr(0, open) != pattern.substr(0, open)) return false;
  const size_t close = pattern.find('}', open);
  const std::string_view name = pattern.substr(open + 2, close - open - 2);
  const std::string_view rest = pattern.substr(close + 1);
  const std::string_view left = text.substr(open);
  for (size_t size = left.size() + 1; size-- > 0;) {
    const std::string_view value = left.substr(0, size);
    if (name != "*" && (value.empty() || !std::ranges::all_of(value, plain))) continue;
    if (!match(rest, left.substr(size), kept)) continue;
    if (name != "*") kept.insert_or_assign(std::string(name), std::string(value));
    return true;
  }
  return false;
}

base::Duration span_of(std::string_view text) {  // "+500ms", "+2s"
  const bool ms = text.ends_with("ms");
  const std::string_view number = text.substr(1, text.size() - (ms ? 3 : 2));
  const int64_t n = base::parse_integer(number).value();
  return ms ? base::Duration(std::chrono::milliseconds(n))
            : base::Duration(std::chrono::seconds(n));
}

}  // namespace

std::string Script::play(std::string_view text) {
  int number = 0;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty() || line.front() == '#' || line.front() == '!') continue;
    const std::string wrong = step(line);
    if (!wrong.empty()) return "line " + std::to_string(number) + ": " + line + "\n" + wrong;
  }
  return output_.empty() ? std::string() : "at the end, not expected: " + visible(output_);
}

std::string Script::step(std::string_view line) {
  const size_t space = line.find(' ');
  const std::string_view kind = line.substr(0, space);
  const std::string_view rest = line.substr(std::min(space, line.size() - 1) + 1);
  if (kind == ">") return send(filled(rest) + "\n");
  if (kind == ">*") return send(array_of(filled(rest)));
  if (kind == ">r") return send(unescaped(rest));
  if (kind == "<") return expect(rest, "\n");
  if (kind == "<*") return expect(rest, "\r\n");
  if (kind == "<r") return expect_bytes(unescaped(rest));
  if (kind == "@") return output_ += bed_.pass(span_of(rest)), std::string();
  if (kind == "$") return bed_.talk->closing() ? "" : "the connection was not closed";
  if (kind != "=") return "no such kind of line";
  if (rest == "new") return bed_.connect(), std::string();
  return bed_.connect(std::string(rest), false), std::string();
}

std::string Script::send(std::string_view bytes) {
  if (!output_.empty()) return "not expected: " + visible(output_);
  output_ += bed_.say(bytes);
  return {};
}

std::string Script::expect(std::string_view pattern, std::string_view end) {
  const size_t size = output_.find(end);
  if (size == std::string::npos) return "got: " + visible(output_);
  const std::string line = output_.substr(0, size);
  if (!match(filled(pattern), line, kept_)) return "got: " + visible(line);
  output_.erase(0, size + end.size());
  ++answers_;
  return {};
}

std::string Script::expect_bytes(std::string_view bytes) {
  if (!output_.starts_with(bytes)) return "got: " + visible(output_);
  output_.erase(0, bytes.size());
  ++answers_;
  return {};
}

std::string Script::filled(std::string_view text) const {
  std::string out(text);
  for (const auto& [name, value] : kept_) {
    const std::string hole = "${" + name + "}";
    for (size_t at = out.find(hole); at != std::string::npos; at = out.find(hole)) {
      out.replace(at, hole.size(), value);
    }
  }
  return out;
}

namespace {

std::vector<std::filesystem::path> scripts() {
  std::vector<std::filesystem::path> found;
  for (const auto& file :
       std::filesystem::directory_iterator(RATELIMMQ_SOURCE_DIR "/tests/scripts")) {
    if (file.path().extension() == ".test") found.push_back(file.path());
  }
  std::ranges::sort(found);
  return found;
}

class Transcript : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Transcript, IsAnsweredAsWritten) {
  std::ifstream file(GetParam());
  std::stringstream text;
  text << file.rdbuf();
  Script script;
  EXPECT_EQ(script.play(text.str()), "");
  EXPECT_GT(script.answers(), 0);
}

INSTANTIATE_TEST_SUITE_P(Scripts, Transcript, testing::ValuesIn(scripts()),
                         [](const auto& file) { return file.param.stem().string(); });

TEST(Script, ComplainsOfAWrongAnswerOneTooManyAndOneTooFew) {
  EXPECT_NE(Script().play("> PING\n< PANG\n"), "");
  EXPECT_NE(Script().play("> PING\n< PONG\n< PONG\n"), "");
  EXPECT_NE(Script().play("> PING\n"), "");
  EXPECT_NE(Script().play("> PING\n> PING\n< PONG\n< PONG\n"), "");
  EXPECT_NE(Script().play("> PING\n< PONG\n$ closed\n"), "");
  EXPECT_EQ(Script().play("> ECHO abc\n< ${word}\n> ECHO ${word}d\n< abcd\n"), "");
}

}  // namespace
}  // namespace command

// What the room's tests stand on: files in a folder of their own, and problems as text.
#pragma once
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/check.h"
#include "config/config.h"
#include "config/load.h"

namespace config {

class Folder {  // Gone with the test.
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "config-XXXXXX").string();
    CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;

  std::string path(const std::string& name) const { return path_ + '/' + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }

 private:
  std::string path_;
};

// One line a problem.
inline std::string text_of(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& problem : problems) out += to_string(problem) + '\n';
  return out;
}

// The problems of a main file with this text, named "f".
inline std::string problems_of(const std::string& text) {
  Draft draft;
  read_text(text, "f", draft);
  return text_of(draft.problems.sorted());
}

// The problems of one limit: `limit` is what stands after "limit: ", from line 3, column 21 on.
inline std::string problems_of_limit(const std::string& limit) {
  return problems_of("limits:\n  - {domain: d, descriptors: [\n{key: k,     limit: " + limit +
                     "}]}\n");
}

// The configuration that a file with this text gives. REQUIRES: no problems.
inline Config config_of(const std::string& text) {
  Draft draft;
  read_text(text, "f", draft);
  const std::string problems = text_of(draft.problems.sorted());
  if (!problems.empty()) std::fputs(problems.c_str(), stderr);
  CHECK(problems.empty());
  return draft.config;
}

inline limiter::LimitSpec limit_of(const std::string& limit) {
  const Config config =
      config_of("limits: [{domain: d, descriptors: [{key: k, limit: " + limit + "}]}]");
  return config.domains.at(0).nodes.at(0).limits.at(0);
}

}  // namespace config

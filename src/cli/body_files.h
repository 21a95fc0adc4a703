// Bodies as files of one directory: INDEX-HOST_PATH, of letters, digits, '.', '-' and '_' alone, so
// that no URL names a place outside. A file appears with its first byte; an attempt that is made
// again begins it anew; what did not come whole is removed.
//
// Thread: one owner.
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/socket.h"

namespace cli {

class BodyFiles {
 public:
  // Makes the directory if it is not there.
  static base::Result<std::unique_ptr<BodyFiles>> open(const std::string& dir);

  void begin(uint64_t index, std::string_view url);
  bool add(uint64_t index, std::string_view bytes);  // False: it cannot be written.
  struct Outcome {
    std::string file;   // With the directory; empty: there is none.
    std::string error;  // Empty: none.
  };
  Outcome end(uint64_t index, bool keep);

  static std::string name_of(uint64_t index, std::string_view url);

 private:
  struct Body {
    std::string name;
    io::Fd fd;
    std::string error;
  };
  BodyFiles(std::string dir, io::Fd fd) : dir_(std::move(dir)), fd_(std::move(fd)) {}
  bool create(Body& body);

  const std::string dir_;
  const io::Fd fd_;
  boost::unordered_flat_map<uint64_t, Body> bodies_;
};

}  // namespace cli

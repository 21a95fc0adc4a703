// Requests out of bytes: a Beast parser that keeps of the header only what is asked for, and takes
// nothing that two readers could understand differently.
//
// Refused, never repaired: folded lines, both Content-Length and Transfer-Encoding, either of them
// (or Host) twice, a list of lengths, any coding but chunked, HTTP/1.1 without Host, a target that
// is neither a path nor http://host/path, bytes before the method.
//
// Memory: while a request is read, its fields (bounded by the header's bound) and its body as far
// as it has arrived; between requests, little.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "http/message.h"

namespace http {

struct ReaderOptions {
  size_t header_bytes_max = 16 * 1024;  // The request line and all fields; over it 431.
  size_t body_bytes_max = 1024 * 1024;  // Over it 413.
};

class Reader {
 public:
  explicit Reader(ReaderOptions options);
  ~Reader();

  enum class Found : uint8_t { kMore, kContinue, kRequest, kRefused };
  // Looks at `bytes`; consumed() of them are done with, the others must come again with more behind
  // them. kContinue: the client waits for "100 Continue"; call again with the rest.
  // After kRequest, next() begins another one; after kRefused nothing more can be read.
  Found step(std::string_view bytes);
  size_t consumed() const;

  Request request() const;  // After kRequest, until next().
  bool head() const;        // The method is HEAD.
  bool keep_alive() const;  // After kRequest.
  bool http_1_0() const;
  Refusal refusal() const;  // After kRefused.
  bool begun() const;       // A byte of the present request has been seen.
  void next();
  void rest();  // Between two requests: gives all memory back.

 private:
  class Parser;  // Beast's side.
  std::unique_ptr<Parser> parser_;
  ReaderOptions options_;
};

}  // namespace http

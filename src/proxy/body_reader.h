// A body as it arrives, taken out of its framing piece by piece. Keeps none of it.
//
// Chunk sizes are hexadecimal digits alone; extensions and trailers are dropped, and together
// bounded; a line ends in CR LF.
//
// Thread: one owner.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/heads.h"

namespace proxy {

class BodyReader {
 public:
  static constexpr size_t kDroppedBytesMax = size_t{16} << 10;  // Extensions and trailers.

  void begin(const Framing& framing);

  struct Piece {
    size_t used = 0;        // Of the bytes: the piece, and framing before and behind it.
    std::string_view data;  // Empty: there was framing alone.
  };
  // REQUIRES: !done(). All bytes are used, piece by piece, until done() or broken().
  Piece take(std::string_view bytes);

  bool done() const { return step_ == Step::kDone; }
  bool broken() const { return step_ == Step::kBroken; }  // Nothing can be read any more.
  bool to_end() const { return step_ == Step::kToEnd; }   // It ends when the connection does.
  // Of a body of known length: what is still to come.
  bool sized() const { return step_ == Step::kLength; }
  uint64_t left() const { return left_; }

 private:
  enum class Step : uint8_t {
    kDone,
    kLength,
    kToEnd,
    kSize,       // The size's digits …
    kExtension,  // ;name=token;name="quoted"
    kExtensionName,
    kExtensionValue,
    kExtensionToken,
    kQuoted,
    kEscaped,
    kQuotedEnd,
    kSizeLf,
    kChunk,
    kChunkCr,
    kChunkLf,
    kTrailer,  // At the beginning of a line …
    kTrailerName,
    kTrailerValue,
    kTrailerLf,
    kEndLf,
    kBroken,
  };
  Step next(char c);  // Of what is not a body's byte.
  Step next_size(char c);
  Step next_extension(char c);
  Step behind_extension(char c);
  Step dropped(Step step);

  Step step_ = Step::kDone;
  uint64_t left_ = 0;  // Of the body, or of the present chunk; in kSize: what was read of it.
  unsigned digits_ = 0;
  size_t dropped_ = 0;
};

}  // namespace proxy

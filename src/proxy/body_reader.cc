#include "proxy/body_reader.h"

#include <algorithm>

#include "base/check.h"
#include "proxy/field_names.h"

namespace proxy {
namespace {

constexpr unsigned kDigitsMax = 16;

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = base::lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}
bool control(char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f; }
bool name_byte(char c) {
  return (base::lower(c) >= 'a' && base::lower(c) <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace

void BodyReader::begin(const Framing& framing) {
  left_ = 0;
  digits_ = 0;
  dropped_ = 0;
  switch (framing.kind) {
    case Framing::Kind::kNone:
      step_ = Step::kDone;
      break;
    case Framing::Kind::kLength:
      left_ = framing.length;
      step_ = left_ > 0 ? Step::kLength : Step::kDone;
      break;
    case Framing::Kind::kChunked:
      step_ = Step::kSize;
      break;
    case Framing::Kind::kToEnd:
      step_ = Step::kToEnd;
      break;
  }
}

BodyReader::Piece BodyReader::take(std::string_view bytes) {
  CHECK(step_ != Step::kDone);
  if (step_ == Step::kToEnd) return {bytes.size(), bytes};
  size_t at = 0;
  while (at < bytes.size() && step_ != Step::kDone && step_ != Step::kBroken) {
    if (step_ != Step::kLength && step_ != Step::kChunk) {
      step_ = next(bytes[at++]);
      continue;
    }
    const std::string_view data = bytes.substr(at, std::min<uint64_t>(left_, bytes.size() - at));
    left_ -= data.size();
    if (left_ == 0) step_ = step_ == Step::kLength ? Step::kDone : Step::kChunkCr;
    return {at + data.size(), data};
  }
  return {at, {}};
}

BodyReader::Step BodyReader::dropped(Step step) {
  return ++dropped_ > kDroppedBytesMax ? Step::kBroken : step;
}

BodyReader::Step BodyReader::next_size(char c) {
  if (const int digit = hex(c); digit >= 0) {
    if (++digits_ > kDigitsMax) return Step::kBroken;
    left_ = left_ << 4 | static_cast<unsigned>(digit);
    return Step::kSize;
  }
  return digits_ == 0 ? Step::kBroken : behind_extension(c);
}

BodyReader::Step BodyReader::behind_extension(char c) {
  if (c == '\r') return Step::kSizeLf;
  return c == ';' ? dropped(Step::kExtension) : Step::kBroken;
}

BodyReader::Step BodyReader::next_extension(char c) {
  switch (step_) {
    case Step::kExtension:
      return name_byte(c) ? dropped(Step::kExtensionName) : Step::kBroken;
    case Step::kExtensionName:
      if (c == '=') return dropped(Step::kExtensionValue);
      return name_byte(c) ? dropped(Step::kExtensionName) : behind_extension(c);
    case Step::kExtensionValue:
      if (c == '"') return dropped(Step::kQuoted);
      return name_byte(c) ? dropped(Step::kExtensionToken) : Step::kBroken;
    case Step::kExtensionToken:
      return name_byte(c) ? dropped(Step::kExtensionToken) : behind_extension(c);
    case Step::kQuoted:
      if (c == '"') return dropped(Step::kQuotedEnd);
      if (c == '\\') return dropped(Step::kEscaped);
      return control(c) ? Step::kBroken : dropped(Step::kQuoted);
    case Step::kEscaped:
      return control(c) ? Step::kBroken : dropped(Step::kQuoted);
    case Step::kQuotedEnd:
      return behind_extension(c);
    default:
      return Step::kBroken;
  }
}

BodyReader::Step BodyReader::next(char c) {
  const auto only = [&](char wanted, Step step) { return c == wanted ? step : Step::kBroken; };
  switch (step_) {
    case Step::kSize:
      return next_size(c);
    case Step::kSizeLf:
      digits_ = 0;
      return only('\n', left_ > 0 ? Step::kChunk : Step::kTrailer);
    case Step::kChunkCr:
      return only('\r', Step::kChunkLf);
    case Step::kChunkLf:
      return only('\n', Step::kSize);
    case Step::kTrailer:
      if (c == '\r') return Step::kEndLf;
      return name_byte(c) ? dropped(Step::kTrailerName) : Step::kBroken;
    case Step::kTrailerName:
      if (c == ':') return dropped(Step::kTrailerValue);
      return name_byte(c) ? dropped(Step::kTrailerName) : Step::kBroken;
    case Step::kTrailerValue:
      if (c == '\r') return Step::kTrailerLf;
      return control(c) ? Step::kBroken : dropped(Step::kTrailerValue);
    case Step::kTrailerLf:
      return only('\n', Step::kTrailer);
    case Step::kEndLf:
      return only('\n', Step::kDone);
    default:
      return next_extension(c);
  }
}

}  // namespace proxy

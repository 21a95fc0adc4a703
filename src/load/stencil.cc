#include "load/stencil.h"

#include <array>

namespace load {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"{key}", "{number}", "{queue}", "{body}"};

void write_digits(char* to, size_t width, uint64_t value) {
  for (size_t i = width; i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

std::string digits(size_t width, uint64_t value) {
  std::string text(width, '0');
  write_digits(text.data(), width, value);
  return text;
}

}  // namespace

std::string Spelling::queue_name(uint64_t index) const {
  return queues == 1 ? queue : queue + digits(kQueueDigits, index);
}

std::string Spelling::body_name(uint64_t number) const {
  return tag + '-' + digits(kDigits, number);
}

std::string Spelling::dedup_id(uint64_t number) const {
  return "id-" + tag + digits(kDigits, number);
}

std::string key_text(uint64_t key) { return "key:" + digits(Spelling::kDigits, key); }

Stencil::Stencil(std::string_view text, const Spelling& spelling) {
  for (size_t at = 0; at < text.size();) {
    std::string_view found;
    for (const std::string_view name : kNames) {
      if (text.substr(at).starts_with(name)) found = name;
    }
    if (found.empty()) {
      text_ += text[at++];
    } else {
      add(found, spelling);
      at += found.size();
    }
  }
}

void Stencil::add(std::string_view name, const Spelling& spelling) {
  if (name == "{key}") {
    text_ += "key:";
    hole(What::kKey, Spelling::kDigits);
  } else if (name == "{number}") {
    hole(What::kNumber, Spelling::kDigits);
  } else if (name == "{queue}") {
    text_ += spelling.queue;
    if (spelling.queues > 1) hole(What::kQueue, Spelling::kQueueDigits);
  } else if (spelling.tag.empty()) {
    text_.append(spelling.body_bytes, 'x');
  } else {
    text_ += spelling.tag + '-';
    hole(What::kNumber, Spelling::kDigits);
    text_.append(spelling.body_bytes - Spelling::kNameBytes, 'x');
  }
}

void Stencil::hole(What what, size_t width) {
  holes_.push_back({text_.size(), what});
  text_.append(width, '0');
}

void Stencil::append(std::string& out, const Draw& draw) const {
  const size_t begin = out.size();
  out += text_;
  for (const Hole& each : holes_) {
    char* const to = out.data() + begin + each.at;
    if (each.what == What::kKey) write_digits(to, Spelling::kDigits, draw.key);
    if (each.what == What::kNumber) write_digits(to, Spelling::kDigits, draw.number);
    if (each.what == What::kQueue) write_digits(to, Spelling::kQueueDigits, draw.queue);
  }
}

}  // namespace load

// Requests in RESP: lists of bulk strings.
#pragma once
#include <string>
#include <string_view>

#include "load/requests.h"
#include "load/stencil.h"

namespace load {

inline void put_list(std::string& out, size_t size) {
  out += '*';
  out += std::to_string(size);
  out += "\r\n";
}

inline void put_bulk(std::string& out, std::string_view text) {
  out += '$';
  out += std::to_string(text.size());
  out += "\r\n";
  out += text;
  out += "\r\n";
}

inline void put_words(std::string& out, const Words& words) {
  put_list(out, words.size());
  for (const std::string& word : words) put_bulk(out, word);
}

// Words with holes: their lengths are those of the words as they will be sent.
inline Stencil resp_stencil(const Words& words, const Spelling& spelling) {
  std::string text;
  put_list(text, words.size());
  for (const std::string& word : words) {
    text += '$' + std::to_string(Stencil(word, spelling).bytes()) + "\r\n" + word + "\r\n";
  }
  return Stencil(text, spelling);
}

}  // namespace load

// The requests of our own server's text protocols and of Redis as lists of words, with holes
// (stencil.h): what the line protocol and RESP have in common.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "load/work.h"

namespace load {

using Words = std::vector<std::string>;

Words words_of(std::string_view text);  // Between spaces.
Words request_of(const Work& work,
                 Verb verb);  // Of our own server. Empty: an ack, or there is none.
// QUEUE SET … for each queue, if the work says how durable they are to be.
std::vector<Words> preparing(const Work& work);

}  // namespace load

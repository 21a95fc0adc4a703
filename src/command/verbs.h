// The rows of each theme; verb.cc puts them together.
#pragma once
#include <span>

#include "command/verb.h"

namespace command {

std::span<const Verb> server_verbs();      // server_verbs.cc
std::span<const Verb> connection_verbs();  // client_verbs.cc
std::span<const Verb> limit_verbs();       // limit_verbs.cc
std::span<const Verb> hold_verbs();        // hold_verbs.cc: RESERVE, ACQUIRE and what follows them
std::span<const Verb> throttle_verbs();    // throttle.cc

void run_command(Call& call);  // command_verb.cc: COMMAND, in Redis' shapes
void run_info(Call& call);     // info.cc: INFO, in Redis' format

}  // namespace command

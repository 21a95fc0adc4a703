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
std::span<const Verb> message_verbs();     // message_verbs.cc: ENQUEUE to REMOVE
std::span<const Verb> queue_verbs();       // queue_verbs.cc: QUEUES, QUEUE, DEAD, REDRIVE
std::span<const Verb> dispatch_verbs();    // dispatch_verb.cc

void run_command(Call& call);  // command_verb.cc: COMMAND, in Redis' shapes
void run_info(Call& call);     // info.cc: INFO, in Redis' format

bool request_check(Call& call, Draft& draft);    // message_verbs.cc: CHECK … WAIT ms
bool request_why(Call& call, Draft& draft);      // message_verbs.cc: WHY id
bool request_enqueue(Call& call, Draft& draft);  // enqueue_verb.cc
bool request_dequeue(Call& call, Draft& draft);  // dequeue_verb.cc

}  // namespace command

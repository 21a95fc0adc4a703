// Verbs of the TCP port whose limits are decided elsewhere (limiter/decider.h): the same answers,
// later. Their HTTP twins are in http_elsewhere.cc.
//
//   CHECK CHECK CHECK   one decide(): one hole in the order of answers, filled with all of them
//   RESERVE, COMMIT …   a hole each
//
// Thread: the conversation's.
#pragma once
#include <memory>
#include <string>

#include "command/verb.h"

namespace command {

struct Desk;  // command/desk.h

// Asks what is pending on the desk, all in one call, and leaves the desk clear.
void decide_elsewhere(Desk& desk, Seat& seat);

// Whether requests behind a verb go on before it is answered. Those that must see what it did wait:
// behind an end of a reservation or hold, a block, a FORGET.
enum class Behind : uint8_t { kGoOn, kWait };

// What a Decider is given to call: `write` makes of its result the call's answer.
template <typename Result>
auto answering(Call& call, void (*write)(const Result&, protocol::Writer&), Behind behind) {
  // Shared, because a std::function is copyable and a Later is not.
  const auto later = std::make_shared<Later>(call.defer(behind == Behind::kWait));
  return [later, write](Result&& result) {
    later->fill([&](protocol::Writer& writer) { write(result, writer); });
  };
}

// Answers, whoever was asked.
void write_error(const base::Error& error, protocol::Writer& writer);
void write_status(const base::Status& status, protocol::Writer& writer);  // OK, or the error.

// The text of an error; of kIo (the store is gone, and the call needs it) it says so. All
// protocols.
std::string text_of(const base::Error& error);

}  // namespace command

#include "store/script.h"

#include <string>

#include "store/script_decide.h"
#include "store/script_read.h"
#include "store/script_settle.h"
#include "store/script_write.h"

namespace store {
namespace {

constexpr const char* kPresence = R"lua(
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[2] / 1000))
return redis.call('ZCARD', KEYS[1])
)lua";

// The body stands where a script says HOLD.
std::string with_hold(std::string text) {
  constexpr std::string_view kHere = "HOLD";
  return text.replace(text.find(kHere), kHere.size(), kHold);
}

}  // namespace

const redis::Client::Script& decide_script() {
  static const redis::Client::Script script(kRead + with_hold(kDecide) + kWrite);
  return script;
}

const redis::Client::Script& settle_script() {
  static const redis::Client::Script script(kRead + with_hold(kSettle) + kWrite);
  return script;
}

const redis::Client::Script& presence_script() {
  static const redis::Client::Script script{std::string(kPresence)};
  return script;
}

}  // namespace store

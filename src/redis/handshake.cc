#include "redis/handshake.h"

#include <utility>

#include "base/check.h"
#include "redis/call.h"

namespace redis {

std::string Handshake::begin() {
  expected_ = {Step::kHello};
  const std::string_view user = terms_.user.empty() ? "default" : std::string_view(terms_.user);
  if (terms_.password.empty()) return command_of({"HELLO", "3", "SETNAME", terms_.name});
  return command_of({"HELLO", "3", "AUTH", user, terms_.password, "SETNAME", terms_.name});
}

Handshake::Now Handshake::take(const Reply& reply, std::string& out) {
  CHECK(!expected_.empty());
  const Step step = expected_.front();
  expected_.pop_front();
  if (step != Step::kHello) return check(step, reply);
  for (const char* final : {"WRONGPASS", "NOAUTH", "NOPERM", "DENIED", "ERR max number"}) {
    if (reply.is_error(final)) return fail(reply.text);
  }
  if (reply.kind == Reply::Kind::kError) fall_back(out);
  go_on(out);
  return expected_.empty() ? Now::kReady : Now::kMore;
}

Handshake::Now Handshake::check(Step step, const Reply& reply) {
  if (reply.kind == Reply::Kind::kError && step != Step::kName) return fail(reply.text);
  if (step == Step::kRole) {
    const std::string role = reply.list.empty() ? "of no role" : reply.list[0].text;
    if (role != "master") return fail("it is no master, but " + role);
  }
  return expected_.empty() ? Now::kReady : Now::kMore;
}

void Handshake::fall_back(std::string& out) {
  if (!terms_.password.empty()) {
    expected_.push_back(Step::kAuth);
    out += terms_.user.empty() ? command_of({"AUTH", terms_.password})
                               : command_of({"AUTH", terms_.user, terms_.password});
  }
  expected_.push_back(Step::kName);
  out += command_of({"CLIENT", "SETNAME", terms_.name});
}

void Handshake::go_on(std::string& out) {
  if (terms_.database != 0) {
    expected_.push_back(Step::kSelect);
    out += command_of({"SELECT", std::to_string(terms_.database)});
  }
  if (terms_.master) {
    expected_.push_back(Step::kRole);
    out += command_of({"ROLE"});
  }
}

Handshake::Now Handshake::fail(std::string why) {
  why_ = std::move(why);
  return Now::kFailed;
}

}  // namespace redis

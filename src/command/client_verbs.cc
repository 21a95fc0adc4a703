// The verbs that clients of Redis send when they connect, answered as Redis does
// (https://redis.io/docs/latest/commands/), so that every client connects without a warning.
#include <array>

#include "base/number.h"
#include "command/client.h"
#include "command/glob.h"
#include "command/verbs.h"
#include "command/words.h"

namespace command {
namespace {

// Clients match on this text.
constexpr std::string_view kNoPassword =
    "ERR AUTH <password> called without any password configured for the default user. Are you sure "
    "your configuration is correct?";

// Null: `text` may be what a client calls itself.
const char* wrong_name(std::string_view text) {
  for (const char c : text) {
    if (c < '!' || c > '~') {
      return "Client names cannot contain spaces, newlines or special characters.";
    }
  }
  return text.size() > kClientNameBytesMax ? "a client's name has at most 128 bytes" : nullptr;
}

bool set_name(Call& call, std::string_view text, std::string& into) {
  if (const char* const wrong = wrong_name(text)) {
    call.fail(base::invalid(wrong));
    return false;
  }
  into = text;
  return true;
}

void write_hello(Call& call) {
  const protocol::Wire wire = call.client().wire;
  protocol::Writer& writer = call.answer();
  writer.record(7).field("server").text("ratelimmq");
  writer.field("version").text(call.services().process.facts().version);
  writer.field("proto");
  if (wire == protocol::Wire::kLine) {
    writer.nil();
  } else {
    writer.integer(wire == protocol::Wire::kResp3 ? 3 : 2);
  }
  writer.field("id").integer(static_cast<int64_t>(call.caller().connection_id));
  writer.field("mode").text("standalone").field("role").text("master").field("modules").list(0);
}

void run_hello(Call& call) {
  Client& client = call.client();
  protocol::Wire wire = client.wire;
  if (call.words().size() > 1) {
    const std::optional<int64_t> version = base::parse_integer(call.word(1));
    if (!version)
      return call.fail(base::invalid("Protocol version is not an integer or out of range"));
    if (*version < 2 || *version > 3 || wire == protocol::Wire::kLine) {
      call.answer().error_line("NOPROTO unsupported protocol version");
      return;
    }
    wire = *version == 3 ? protocol::Wire::kResp3 : protocol::Wire::kResp2;
  }
  std::optional<std::string_view> name;
  for (size_t i = 2; i < call.words().size(); ++i) {
    const size_t left = call.words().size() - i - 1;
    if (left >= 2 && same_word(call.word(i), "AUTH")) {
      call.answer().error_line(kNoPassword);
      return;
    }
    if (left < 1 || !same_word(call.word(i), "SETNAME")) {
      return call.fail(base::invalid("Syntax error in HELLO option '" + shown(call.word(i)) + "'"));
    }
    name = call.word(++i);
  }
  if (name && !set_name(call, *name, client.name)) return;
  client.wire = wire;  // Before the answer, which is spelt in it already.
  write_hello(call);
}

void run_auth(Call& call) { call.answer().error_line(kNoPassword); }

void run_select(Call& call) {
  const std::optional<int64_t> index = base::parse_integer(call.word(1));
  if (!index) return call.fail(base::invalid("invalid DB index"));
  if (*index != 0) return call.fail(base::invalid("DB index is out of range"));
  call.answer().simple("OK");
}

void run_client_id(Call& call) {
  call.answer().integer(static_cast<int64_t>(call.caller().connection_id));
}

void run_client_getname(Call& call) {
  if (call.client().name.empty()) {
    call.answer().nil();
  } else {
    call.answer().text(call.client().name);
  }
}

void run_client_setname(Call& call) {
  if (set_name(call, call.word(2), call.client().name)) call.answer().simple("OK");
}

void run_client_setinfo(Call& call) {
  Client& client = call.client();
  const bool library = same_word(call.word(2), "LIB-NAME");
  if (!library && !same_word(call.word(2), "LIB-VER")) {
    return call.fail(base::invalid("Unrecognized option '" + shown(call.word(2)) + "'"));
  }
  if (set_name(call, call.word(3), library ? client.library : client.library_version)) {
    call.answer().simple("OK");
  }
}

void run_config_get(Call& call) {
  struct Setting {
    std::string_view name;
    std::string value;
  };
  const std::array<Setting, 4> settings = {
      {{"appendonly", "no"},
       {"databases", "1"},
       {"port", std::to_string(call.services().process.facts().tcp_port)},
       {"save", ""}}};
  std::vector<const Setting*> found;
  for (const Setting& setting : settings) {
    for (const std::string_view pattern : call.words().subspan(2)) {
      if (!glob_match(pattern, setting.name)) continue;
      found.push_back(&setting);
      break;
    }
  }
  call.answer().record(found.size());
  for (const Setting* setting : found) call.answer().field(setting->name).text(setting->value);
}

struct Subverb {
  std::string_view name;        // Upper case.
  size_t words_min, words_max;  // With verb and subverb.
  void (*run)(Call&);
};

void run_subverb(Call& call, std::span<const Subverb> subverbs, std::string_view verb) {
  for (const Subverb& sub : subverbs) {
    if (!same_word(call.word(1), sub.name)) continue;
    if (call.words().size() >= sub.words_min && call.words().size() <= sub.words_max) {
      return sub.run(call);
    }
    return call.fail(base::invalid("wrong number of arguments for '" + std::string(verb) + "|" +
                                   shown(call.word(1)) + "' command"));
  }
  call.fail(
      base::invalid("unknown subcommand '" + shown(call.word(1)) + "' of " + std::string(verb)));
}

void run_client(Call& call) {
  static constexpr std::array<Subverb, 4> kSubverbs = {{{"ID", 2, 2, run_client_id},
                                                        {"GETNAME", 2, 2, run_client_getname},
                                                        {"SETNAME", 3, 3, run_client_setname},
                                                        {"SETINFO", 4, 4, run_client_setinfo}}};
  run_subverb(call, kSubverbs, "client");
}

void run_config(Call& call) {
  static constexpr std::array<Subverb, 1> kSubverbs = {{{"GET", 3, 64, run_config_get}}};
  run_subverb(call, kSubverbs, "config");
}

constexpr Verb kRows[] = {
    {.name = "HELLO",
     .arguments = "[2|3 [AUTH user secret] [SETNAME name]]",
     .answers = "record `server, version, proto, id, mode, role, modules`",
     .help = "Says who the server is, and chooses RESP2 or RESP3 for what follows.",
     .theme = Theme::kConnection,
     .words_min = 1,
     .words_max = 7,
     .flags = kPlain,
     .run = run_hello},
    {.name = "AUTH",
     .arguments = "[user] secret",
     .answers = "an error: this version has no users",
     .help = "Says who the client is.",
     .theme = Theme::kConnection,
     .words_min = 2,
     .words_max = 3,
     .flags = kPlain,
     .run = run_auth},
    {.name = "CLIENT",
     .arguments = "ID | GETNAME | SETNAME name | SETINFO LIB-NAME|LIB-VER text",
     .answers = "the connection's number; its name or nil; `OK`",
     .help = "What the connection is called.",
     .theme = Theme::kConnection,
     .words_min = 2,
     .words_max = -1,
     .flags = kPlain,
     .run = run_client},
    {.name = "SELECT",
     .arguments = "0",
     .answers = "`OK`",
     .help = "Chooses the only database there is.",
     .theme = Theme::kConnection,
     .words_min = 2,
     .words_max = 2,
     .flags = kPlain,
     .run = run_select},
    {.name = "CONFIG",
     .arguments = "GET pattern…",
     .answers = "record of the settings whose names match",
     .help = "The settings that clients of Redis ask for: appendonly, databases, port, save.",
     .theme = Theme::kConnection,
     .words_min = 2,
     .words_max = -1,
     .flags = kPlain,
     .run = run_config},
    {.name = "COMMAND",
     .arguments = "[COUNT | LIST | INFO [verb…] | DOCS [verb…]]",
     .answers = "as in Redis",
     .help = "The table of verbs, in Redis' shapes.",
     .theme = Theme::kConnection,
     .words_min = 1,
     .words_max = -1,
     .flags = kPlain,
     .run = run_command},
};

}  // namespace

std::span<const Verb> connection_verbs() { return kRows; }

}  // namespace command

// The verbs that ask the server itself.
#include "command/verbs.h"
#include "command/words.h"

namespace command {
namespace {

void run_ping(Call& call) {
  if (call.words().size() == 1) {
    call.answer().simple("PONG");
  } else {
    call.answer().text(call.word(1));
  }
}

void run_echo(Call& call) { call.answer().text(call.word(1)); }

void run_time(Call& call) {
  const int64_t us = base::nanoseconds(call.now()) / 1'000;
  call.answer().list(2).text(std::to_string(us / 1'000'000)).text(std::to_string(us % 1'000'000));
}

void write_row(const Verb& verb, protocol::Writer& writer) {
  writer.record(3).field("verb").text(verb.name);
  writer.field("arguments").text(verb.arguments).field("help").text(verb.help);
}

void run_help(Call& call) {
  const VerbTable& table = call.table();
  if (call.words().size() == 1) {
    call.answer().list(table.rows().size());
    for (const Verb& verb : table.rows()) write_row(verb, call.answer());
    return;
  }
  const Verb* const verb = table.find(call.word(1));
  if (verb == nullptr) {
    return call.fail({base::Code::kNotFound, "no verb '" + shown(call.word(1)) + "'", "verb"});
  }
  write_row(*verb, call.answer());
}

void run_shutdown(Call& call) {
  call.answer().simple("BYE");
  call.close_after();
  call.services().process.shut_down();
}

void run_quit(Call& call) {
  call.answer().simple("OK");
  call.close_after();
}

constexpr Verb kRows[] = {
    {.name = "PING",
     .arguments = "[text]",
     .answers = "`PONG`, or the text",
     .help = "Asks whether the server answers.",
     .theme = Theme::kServer,
     .words_min = 1,
     .words_max = 2,
     .flags = kPlain,
     .run = run_ping},
    {.name = "ECHO",
     .arguments = "text",
     .answers = "the text",
     .help = "Answers its argument.",
     .theme = Theme::kServer,
     .words_min = 2,
     .words_max = 2,
     .flags = kPlain,
     .run = run_echo},
    {.name = "TIME",
     .arguments = "",
     .answers = "list of two texts: seconds since the epoch, and microseconds in that second",
     .help = "The server's time, by which it decides.",
     .theme = Theme::kServer,
     .words_min = 1,
     .words_max = 1,
     .flags = kPlain,
     .run = run_time},
    {.name = "INFO",
     .arguments = "[section…]",
     .answers = "text in Redis' format",
     .help = "Facts about the server, by section: server, clients, memory, persistence, stats, "
             "replication.",
     .theme = Theme::kServer,
     .words_min = 1,
     .words_max = -1,
     .flags = kPlain,
     .run = run_info},
    {.name = "HELP",
     .arguments = "[verb]",
     .answers = "record `verb, arguments, help`, or a list of them",
     .help = "The row of a verb in the table, or all rows.",
     .theme = Theme::kServer,
     .words_min = 1,
     .words_max = 2,
     .flags = kPlain,
     .run = run_help},
    {.name = "SHUTDOWN",
     .arguments = "",
     .answers = "`BYE`",
     .help = "Stops the server cleanly: no new work, running work ends, exit code 0.",
     .theme = Theme::kServer,
     .words_min = 1,
     .words_max = 1,
     .flags = kAdmin | kUnlimited,
     .run = run_shutdown},
    {.name = "QUIT",
     .arguments = "",
     .answers = "`OK`",
     .help = "Ends the connection once everything before it is answered.",
     .theme = Theme::kServer,
     .words_min = 1,
     .words_max = 1,
     .flags = kUnlimited,
     .run = run_quit},
};

}  // namespace

std::span<const Verb> server_verbs() { return kRows; }

}  // namespace command

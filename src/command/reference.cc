#include "command/reference.h"

#include <array>

namespace command {
namespace {

constexpr std::string_view kHead =
    "# Verbs of the TCP port\n"
    "\n"
    "Made from the table of verbs (`ratelimmq commands-markdown > docs/commands.md`); a test\n"
    "compares this page with it. How requests and answers are spelt in each protocol:\n"
    "[protocol.md](protocol.md). Verbs and options are case-insensitive.\n"
    "\n"
    "A *descriptor* is one word, `key=value[,key=value…]`; `%XX` spells any byte, so `,` `=` `%`\n"
    "and space too. At most 32 descriptors of at most 16 entries make one decision: all that they\n"
    "meet is charged, or nothing. Costs are 0 … 2⁶³ − 1 and 1 when not said; a TTL is 1 ms … 12 "
    "h.\n"
    "Spans are milliseconds. `retry_after_ms` is 0 when allowed, −1 when never, and rounded up: a\n"
    "retry exactly then succeeds if nobody took the place. `nil` is `NIL` or `null`.\n"
    "\n"
    "An error begins with one of `ERR` (a request that cannot be), `LIMITED` (over a limit; has\n"
    "`retry_after_ms=`), `NOPERM`, `NOTFOUND`, `STALE` (an id or receipt whose time is over),\n"
    "`FULL` (a bound was reached), `READONLY` (the disk is full), `UNKNOWN` (it may have\n"
    "happened), `SHUTDOWN`, `NOAUTH`. What queues promise, their defaults and bounds:\n"
    "[queues.md](queues.md).\n";

struct Chapter {
  Theme theme;
  std::string_view title;
};
constexpr std::array<Chapter, 4> kChapters = {{{Theme::kServer, "Server"},
                                               {Theme::kConnection, "Connection"},
                                               {Theme::kLimits, "Limits"},
                                               {Theme::kQueues, "Queues"}}};

// In a table's cell a bar must not end the cell.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

void add_row(const Verb& verb, std::string& text) {
  text.append("| `").append(verb.name);
  if (!verb.arguments.empty()) text.append(" ").append(cell(verb.arguments));
  text.append("` | ").append(cell(verb.answers)).append(" | ").append(cell(verb.help));
  if ((verb.flags & kAdmin) != 0) text.append(" Needs the admin right (loopback has it).");
  text.append(" |\n");
}

}  // namespace

std::string reference_markdown(const VerbTable& table) {
  std::string text(kHead);
  for (const Chapter& chapter : kChapters) {
    text.append("\n## ").append(chapter.title);
    text.append("\n\n| Verb | Answer | What it does |\n|---|---|---|\n");
    for (const Verb& verb : table.rows()) {
      if (verb.theme == chapter.theme) add_row(verb, text);
    }
  }
  return text;
}

}  // namespace command

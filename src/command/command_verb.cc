// COMMAND: the table of verbs in Redis' shapes (https://redis.io/docs/latest/commands/command/).
// redis-cli asks for DOCS when it starts and makes its hints from them.
#include "command/verbs.h"
#include "command/words.h"

namespace command {
namespace {

std::string_view group(Theme theme) {
  switch (theme) {
    case Theme::kServer:
      return "server";
    case Theme::kConnection:
      return "connection";
    case Theme::kLimits:
      return "limits";
    case Theme::kQueues:
      return "queues";
  }
  return "server";
}

// Exactly so many words, or at least so many (negative).
int64_t arity(const Verb& verb) {
  return verb.words_min == verb.words_max ? verb.words_min : -verb.words_min;
}

// name, arity, flags, first key, last key, step, categories, tips, key places, subverbs. A verb of
// ours has no keys that a cluster could be asked for.
void write_row(const Verb& verb, protocol::Writer& writer) {
  const bool admin = (verb.flags & kAdmin) != 0;
  writer.list(10).text(lower_case(verb.name)).integer(arity(verb)).list(admin ? 2 : 1);
  if (admin) writer.simple("admin");
  writer.simple("fast");
  writer.integer(0).integer(0).integer(0).list(1).text("@" + std::string(group(verb.theme)));
  writer.list(0).list(0).list(0);
}

void write_docs(const Verb& verb, protocol::Writer& writer) {
  const bool arguments = !verb.arguments.empty();
  writer.record(arguments ? 4 : 3).field("summary").text(verb.help);
  writer.field("since").text("0.1.0").field("group").text(group(verb.theme));
  if (!arguments) return;
  // The arguments as one, spelt as HELP spells them: a client shows them as its hint.
  writer.field("arguments").list(1).record(3).field("name").text(verb.arguments);
  writer.field("type").text("string").field("display_text").text(verb.arguments);
}

void run_docs(Call& call) {
  std::vector<const Verb*> found;
  if (call.words().size() == 2) {
    for (const Verb& verb : call.table().rows()) found.push_back(&verb);
  }
  for (const std::string_view name : call.words().subspan(2)) {
    if (const Verb* const verb = call.table().find(name)) found.push_back(verb);
  }
  std::vector<std::string> names;  // The writer keeps a view of a field's name.
  for (const Verb* verb : found) names.push_back(lower_case(verb->name));
  protocol::Writer& writer = call.answer().record(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    writer.field(names[i]);
    write_docs(*found[i], writer);
  }
}

void write_all(Call& call) {
  protocol::Writer& writer = call.answer().list(call.table().rows().size());
  for (const Verb& verb : call.table().rows()) write_row(verb, writer);
}

void run_rows(Call& call) {
  if (call.words().size() == 2) return write_all(call);
  protocol::Writer& writer = call.answer().list(call.words().size() - 2);
  for (const std::string_view name : call.words().subspan(2)) {
    const Verb* const verb = call.table().find(name);
    if (verb == nullptr) {
      writer.nil_list();
    } else {
      write_row(*verb, writer);
    }
  }
}

void run_names(Call& call) {
  protocol::Writer& writer = call.answer().list(call.table().rows().size());
  for (const Verb& verb : call.table().rows()) writer.text(lower_case(verb.name));
}

}  // namespace

void run_command(Call& call) {
  if (call.words().size() == 1) return write_all(call);
  const std::string_view what = call.word(1);
  if (same_word(what, "DOCS")) return run_docs(call);
  if (same_word(what, "INFO")) return run_rows(call);
  const bool alone = call.words().size() == 2;
  if (alone && same_word(what, "LIST")) return run_names(call);
  if (alone && same_word(what, "COUNT")) {
    call.answer().integer(static_cast<int64_t>(call.table().rows().size()));
    return;
  }
  call.fail(base::invalid("unknown subcommand or wrong number of arguments for 'command|" +
                          shown(what) + "'"));
}

}  // namespace command

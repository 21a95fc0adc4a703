// docs/commands.md, made from the table of verbs.
#pragma once
#include <string>

#include "command/verb.h"

namespace command {

std::string reference_markdown(const VerbTable& table = verb_table());

}  // namespace command

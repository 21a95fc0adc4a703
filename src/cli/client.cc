// client: one verb from the command line, or a conversation on standard input.
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "cli/cli.h"
#include "cli/line_client.h"

namespace cli {
namespace {

struct ClientOptions {
  std::string host = "127.0.0.1";
  std::string port = "7411";
  std::vector<std::string> words;
};

int no_connection(const base::Error& error) {
  std::fprintf(stderr, "ratelimmq: %s\n", error.what.c_str());
  return kUsage;
}

// Sends one line and prints its answer: kDone, kFailed for an error answer, kUsage without one.
int ask(LineClient& client, std::string_view line) {
  if (const base::Status sent = client.send(line); !sent) return no_connection(sent.error());
  const base::Result<std::string> answer = client.receive();
  if (!answer) return no_connection(answer.error());
  std::printf("%s\n", answer->c_str());
  std::fflush(stdout);
  return is_error(*answer) ? kFailed : kDone;
}

bool ends_conversation(std::string_view line) {
  const auto is = [&](std::string_view verb) {
    return line.size() == verb.size() && ::strncasecmp(line.data(), verb.data(), verb.size()) == 0;
  };
  return is("QUIT") || is("SHUTDOWN");
}

// Lines of standard input as they are, one answer each. The worst outcome counts.
int converse(LineClient& client, const ClientOptions& options) {
  const bool terminal = ::isatty(STDIN_FILENO) == 1;
  const std::string prompt = options.host + ':' + options.port + "> ";
  if (terminal) std::printf("HELP lists the verbs, QUIT ends.\n");
  int worst = kDone;
  for (std::string line;;) {
    if (terminal) {
      std::fputs(prompt.c_str(), stdout);
      std::fflush(stdout);
    }
    if (!std::getline(std::cin, line)) break;
    if (line.empty()) continue;
    const int outcome = ask(client, line);
    if (outcome == kUsage) return outcome;
    worst = std::max(worst, outcome);
    if (ends_conversation(line) && outcome == kDone) return terminal ? kDone : worst;
  }
  if (terminal) std::printf("\n");
  return terminal ? kDone : worst;
}

int run_client(const ClientOptions& options) {
  base::Result<LineClient> client = LineClient::connect(options.host, options.port);
  if (!client) return no_connection(client.error());
  return options.words.empty() ? converse(*client, options)
                               : ask(*client, spell_line(options.words));
}

}  // namespace

void add_client(Program& program) {
  const auto options = std::make_shared<ClientOptions>();  // Shared: options write, the body reads.
  CLI::App& command = program.add("client", "Ask a running server: one verb, or a conversation",
                                  [=] { return run_client(*options); });
  command.add_option("--host,-H", options->host, "Host of the TCP port (127.0.0.1)")
      ->envname("RATELIMMQ_HOST");
  command.add_option("--port,-p", options->port, "TCP port (7411)")->envname("RATELIMMQ_PORT");
  command
      .add_option("verb", options->words,
                  "Verb and its words, as in: CHECK api client_ip=10.0.0.7; without one, lines are "
                  "read from the terminal or standard input")
      ->type_name("WORD...");
  command.positionals_at_end();
  command.footer(
      "A word with spaces is one word: ratelimmq client ECHO \"two words\".\n"
      "Exit code: 0; 1 after an error answer (ERR, LIMITED, …); 2 without a connection.");
}

}  // namespace cli

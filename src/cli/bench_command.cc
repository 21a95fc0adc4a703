// bench: load for a server, ours or a peer, and what came of it.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/bench_options.h"
#include "cli/cli.h"
#include "load/report.h"

namespace cli {
namespace {

// One line on the terminal, drawn over itself.
class Progress {
 public:
  ~Progress() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
  }
  void draw(const load::Live& live) {
    if (!terminal_) return;
    const double seconds = static_cast<double>(live.since.count()) / 1e9;
    const double answers = static_cast<double>(live.answers);
    const double rate = (answers - answers_) / std::max(seconds - seconds_, 0.001);
    std::fprintf(stderr, "\r\x1b[K%5.1f s  %s  %s answers/s  %s answers, %llu errors", seconds,
                 live.measured ? "measured" : "warm-up", load::number_text(rate).c_str(),
                 load::number_text(answers).c_str(), static_cast<unsigned long long>(live.errors));
    drawn_ = true;
    answers_ = answers;
    seconds_ = seconds;
  }

 private:
  const bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  bool drawn_ = false;
  double answers_ = 0, seconds_ = 0;
};

int run_bench(const BenchFlags& asked) {
  const base::Result<load::Options> options = bench_options(asked);
  if (!options) {
    std::fprintf(stderr, "ratelimmq: %s\n", options.error().what.c_str());
    return kUsage;
  }
  base::Result<load::Outcome> outcome = load::Outcome{};
  {
    Progress progress;
    outcome = load::run(*options, [&](const load::Live& live) { progress.draw(live); });
  }
  if (!outcome) {
    std::fprintf(stderr, "ratelimmq: %s\n", outcome.error().what.c_str());
    return kUsage;
  }
  const std::string text = asked.json ? load::report_json(*options, *outcome) + '\n'
                                      : load::report_text(*options, *outcome);
  std::fputs(text.c_str(), stdout);
  return outcome->tally.errors > 0 || outcome->interrupted ? kFailed : kDone;
}

void add_load(CLI::App& command, BenchFlags& asked) {
  command.add_option("--connections,-c", asked.connections, "Connections (50)")
      ->check(CLI::Range(1u, load::kConnectionsMax))
      ->type_name("N");
  command.add_option("--pipeline,-P", asked.pipeline, "Requests that leave together (1)")
      ->check(CLI::Range(size_t{1}, load::kPipelineMax))
      ->type_name("N");
  command.add_option("--threads", asked.threads, "Threads of this program (1)")
      ->check(CLI::Range(1u, load::kThreadsMax))
      ->type_name("N");
  command.add_option("--for", asked.span, "How long it is measured (10s)")->type_name("SPAN");
  command.add_option("--count", asked.count, "Or until so many operations are done")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40))
      ->type_name("N");
  command
      .add_option("--warm-up", asked.warm_up,
                  "How long before that (1s; 0s with --count and drain)")
      ->type_name("SPAN");
  command
      .add_option("--rate", asked.rate,
                  "Open loop: so many requests a second, whatever is answered; a latency counts "
                  "from the instant when its request was due")
      ->type_name("N/s");
}

void add_requests(CLI::App& command, BenchFlags& asked) {
  command.add_option("--keys", asked.keys, "Keys (100000; of messages: none)")
      ->check(CLI::Range(uint64_t{1}, load::kKeysMax))
      ->type_name("N");
  command
      .add_option("--keys-like", asked.keys_like,
                  "one, turn (one after the other), uniform, zipf:EXPONENT (uniform)")
      ->type_name("HOW");
  command.add_option("--domain", asked.domain, "Of CHECK (bench)");
  command.add_option("--descriptor", asked.descriptor, "Of CHECK (key={key})");
  command
      .add_option("--throttle", asked.throttle,
                  "The limit that throttle and gcra-lua ask for (1000000/60s burst 1000000)")
      ->type_name("RATE");
  command
      .add_option("--request", asked.request,
                  "Of the verb request: its words, over HTTP its path; {key}, {number}, {queue} "
                  "and {body} are filled in")
      ->type_name("TEXT");
  command.add_option("--method", asked.method, "HTTP method of the verb request (GET)");
  command.add_option("--header", asked.fields, "HTTP field of all requests: 'Name: value'")
      ->type_name("FIELD")
      ->take_all();
  command.add_option("--content", asked.content, "HTTP body (JSON) of the verb request")
      ->type_name("TEXT");
  command.add_option("--wait", asked.wait, "CHECK and DEQUEUE wait so long (0s)")
      ->type_name("SPAN");
  command.add_option("--seed", asked.seed, "Of what is drawn (a random one)")->type_name("N");
}

void add_messages(CLI::App& command, BenchFlags& asked) {
  command.add_option("--body", asked.body, "Bytes of a message (100)")
      ->check(CLI::Range(size_t{1}, load::kBodyBytesMax))
      ->type_name("BYTES");
  command.add_option("--queue", asked.queue, "Queue (bench)");
  command.add_option("--queues", asked.queues, "Over 1: so many of them, bench000000 and so on")
      ->check(CLI::Range(uint64_t{1}, load::kQueuesMax))
      ->type_name("N");
  command
      .add_option("--messages", asked.messages,
                  "Messages of one DEQUEUE, receipts of one ACK (one verb each)")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1000}))
      ->type_name("N");
  command.add_option("--durability", asked.durability,
                     "fsync, os or memory: sets the queue's before the load; of redis its "
                     "appendonly and appendfsync (as the server says)");
  command.add_option("--lease", asked.lease, "Of DEQUEUE (the queue's)")->type_name("SPAN");
  command.add_flag("--dedup", asked.dedup, "Each message has a deduplication id");
  command.add_flag("--overlap", asked.overlap,
                   "A cycle's verbs leave together, the ACK with the next ones");
  command.add_option("--first", asked.first, "Where the numbers of requests begin (0)")
      ->type_name("N");
}

void add_outcome(CLI::App& command, BenchFlags& asked) {
  command
      .add_option("--server-pid", asked.servers,
                  "Process of the server: its CPU time, memory and bytes written are told")
      ->check(CLI::Range(1, 1 << 30))
      ->type_name("PID")
      ->take_all();
  command
      .add_option("--limit", asked.law,
                  "The limit that the server keeps for each key, \"100/s burst 5\": how exactly it "
                  "does is told")
      ->type_name("RATE");
  command.add_option("--record", asked.record, "Write a history for ratelimmq check to this file")
      ->type_name("FILE");
  command.add_flag("--json", asked.json, "One line of JSON instead of text");
}

}  // namespace

void add_bench(Program& program) {
  const auto asked = std::make_shared<BenchFlags>();  // Shared: the options write, the body reads.
  CLI::App& command =
      program.add("bench", "Put a server under load and measure it: this one, or a peer",
                  [asked] { return run_bench(*asked); });
  command
      .add_option("target", asked->target,
                  "tcp://HOST:PORT, http://, redis://, nats:// (tcp://127.0.0.1:7411)")
      ->type_name("TARGET");
  command.add_option("--talk", asked->talk,
                     "line, resp, http, redis, redis-stream, beanstalk, nats, rabbit (by the "
                     "target: resp, http, redis, nats)");
  command
      .add_option("--work", asked->work,
                  "ping, check, throttle, incr, gcra-lua, request, enqueue, dequeue; several with "
                  "weights, check:8,enqueue:1; cycle (enqueue, dequeue, ack), drain (ping)")
      ->type_name("WORK");
  add_load(command, *asked);
  add_requests(command, *asked);
  add_messages(command, *asked);
  add_outcome(command, *asked);
  command.footer(
      "Examples:\n"
      "  ratelimmq bench --work throttle --pipeline 64 --keys 1000000 --keys-like zipf:0.99\n"
      "  ratelimmq bench --work cycle --durability fsync --for 30s --server-pid $(pidof "
      "ratelimmq)\n"
      "  ratelimmq bench http://127.0.0.1:8080 --work check --rate 5k/s --json\n"
      "  ratelimmq bench redis://127.0.0.1:6379 --work gcra-lua --pipeline 16\n"
      "  ratelimmq bench http://127.0.0.1:8000 --work request --request '/?user={key}'\n"
      "docs/bench.md explains the numbers. Exit code: 0; 1 after an error answer or an interrupt;\n"
      "2 for bad usage, or without a connection.");
}

}  // namespace cli

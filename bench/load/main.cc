// Load for a queue server, and for its peers alike. bench/queue_run drives it.
//
//   queue_load enqueue|cycle|drain --port P [--peer ratelimmq|redis|redis-stream|beanstalkd|nats|
//              rabbitmq] [--connections 50] [--pipeline 1] [--body 128] [--queue NAME] [--queues 1]
//              [--keys 0] [--dedup 0|1] [--count 0] [--overlap 0|1] [--first 0] [--rate 0]
//              [--seconds S | --operations N]
//   queue_load bare --rate R [--directory .] [--pipeline 1] [--body BYTES] [--seconds S]
//
// enqueue: messages go in. cycle: in, out, acknowledged; one operation is a message that went all
// the way. drain: out and acknowledged. bare: bare.h. Prints one line of JSON.
#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include "load/bare.h"
#include "load/clients.h"
#include "load/die.h"

namespace {

struct Words {
  std::string verb;
  load::Drive drive;
  load::Work work;
  load::Bare bare;
};

using Setter = std::function<void(const std::string&)>;

std::map<std::string, Setter> setters(Words& w) {
  return {
      {"--peer", [&w](const auto& v) { w.work.peer = v; }},
      {"--port", [&w](const auto& v) { w.drive.port = static_cast<uint16_t>(std::stoul(v)); }},
      {"--connections",
       [&w](const auto& v) { w.drive.connections = static_cast<unsigned>(std::stoul(v)); }},
      {"--seconds", [&w](const auto& v) { w.bare.seconds = w.drive.seconds = std::stod(v); }},
      {"--operations", [&w](const auto& v) { w.drive.operations = std::stoull(v); }},
      {"--rate", [&w](const auto& v) { w.bare.rate = w.drive.rate = std::stod(v); }},
      {"--pipeline", [&w](const auto& v) { w.bare.pipeline = w.work.pipeline = std::stoul(v); }},
      {"--body", [&w](const auto& v) { w.bare.bytes = w.work.body_bytes = std::stoul(v); }},
      {"--queue", [&w](const auto& v) { w.work.queue = v; }},
      {"--queues", [&w](const auto& v) { w.work.queues = std::stoull(v); }},
      {"--keys", [&w](const auto& v) { w.work.keys = std::stoull(v); }},
      {"--dedup", [&w](const auto& v) { w.work.dedup = v == "1"; }},
      {"--count", [&w](const auto& v) { w.work.count = std::stoul(v); }},
      {"--overlap", [&w](const auto& v) { w.work.overlap = v == "1"; }},
      {"--first", [&w](const auto& v) { w.work.first = std::stoull(v); }},
      {"--directory", [&w](const auto& v) { w.bare.directory = v; }},
  };
}

Words parse(int argc, char** argv) {
  Words words;
  const std::map<std::string, Setter> known = setters(words);
  if (argc < 2) load::die("what is to be done? enqueue, cycle, drain or bare");
  words.verb = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const auto found = known.find(argv[i]);
    if (found == known.end()) load::die(std::string("unknown option ") + argv[i]);
    found->second(argv[i + 1]);
  }
  if (words.drive.seconds == 0 && words.drive.operations == 0) words.drive.seconds = 1;
  return words;
}

load::Outcome run(Words& words) {
  using load::Verb;
  static const std::map<std::string, Verb> kVerbs = {
      {"enqueue", Verb::kEnqueue}, {"cycle", Verb::kCycle}, {"drain", Verb::kDrain}};
  if (words.verb == "bare") return load::bare(words.bare);
  const auto verb = kVerbs.find(words.verb);
  if (verb == kVerbs.end()) load::die("unknown verb " + words.verb);
  words.work.verb = verb->second;
  return load::drive(words.drive, words.work);
}

}  // namespace

int main(int argc, char** argv) {
  Words words = parse(argc, argv);
  const load::Outcome outcome = run(words);
  std::printf(
      "{\"operations\": %llu, \"seconds\": %.6f, \"rate\": %.1f, \"p50_us\": %.1f, "
      "\"p99_us\": %.1f, \"p999_us\": %.1f, \"longest_us\": %.1f}\n",
      static_cast<unsigned long long>(outcome.operations), outcome.seconds,
      static_cast<double>(outcome.operations) / outcome.seconds, outcome.answers.at_us(0.5),
      outcome.answers.at_us(0.99), outcome.answers.at_us(0.999), outcome.answers.longest_us());
}

// One hot path, run a fixed number of times over fixed inputs, so that its instructions can be
// counted (bench/instructions does, with callgrind, inside of measured() only).
//
//   instruction_paths            the names of the paths, one a line
//   instruction_paths NAME       prepares the path, runs it, and prints how many operations that
//   was
//
// No clock, no thread, no file, no address of the machine takes part: a count differs between two
// runs only if the program does.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "command/http_bed.h"
#include "command/talk_bed.h"
#include "limiter/limiter.h"
#include "redis/reply.h"

namespace {

constexpr int kRounds = 2000;
constexpr int kKeys = 1000;
constexpr size_t kBatch = 32;
constexpr base::Time kNow = base::time_from(1'700'000'000'000'000'000);

// What one path does in a round, and how many operations that is.
struct Path {
  std::function<void(int round)> round;
  int operations = 1;
};

limit::Gcra wide_law() {  // Nothing is refused, and no state falls idle.
  return limit::Gcra::make({1000, std::chrono::seconds(1)}, 1'000'000'000).value();
}

std::vector<limiter::DomainSpec> wide_limits() {
  limiter::DomainSpec api;
  api.name = "api";
  api.nodes.push_back(command::a_node("tenant", {command::a_limit("tenant", "gcra", wide_law())}));
  return {std::move(api)};
}

std::vector<std::string> numbered(std::string_view before, std::string_view behind = {}) {
  std::vector<std::string> texts;
  for (int i = 0; i < kKeys; ++i) {
    texts.emplace_back(before).append(std::to_string(i * 7919 % kKeys)).append(behind);
  }
  return texts;
}

// Decisions of one batch by a limit that the asks bring along.
Path decisions(size_t batch_size) {
  struct Bed {
    limiter::Limiter limiter{limiter::LimiterOptions{.seed = 1}};
    limiter::Batch batch;
    limit::Gcra law = wide_law();
    std::vector<std::string> keys = numbered("user:");
    size_t next = 0;
  };
  const auto bed = std::make_shared<Bed>();  // Shared: a function that can be copied holds it.
  const auto round = [bed, batch_size](int) {
    bed->batch.clear();
    for (size_t i = 0; i < batch_size; ++i)
      bed->batch.add_throttle(bed->keys[bed->next++ % kKeys], bed->law, 1);
    bed->limiter.decide(bed->batch, kNow);
    CHECK(bed->batch.answer(batch_size - 1).allowed);
  };
  return {round, static_cast<int>(batch_size)};
}

// Lines of the TCP port, from their bytes to the bytes of their answers. `lines` takes the answers
// of the round before.
Path conversation(std::function<std::string(int round, const std::string& answer)> lines,
                  std::string_view answers_begin_with) {
  struct Bed {
    command::TalkBed talk{wide_limits()};
    std::string answer;
  };
  const auto bed = std::make_shared<Bed>();  // Shared: as above.
  const auto round = [bed, lines, answers_begin_with](int number) {
    bed->answer = bed->talk.say(lines(number, bed->answer));
    CHECK(bed->answer.starts_with(answers_begin_with));
  };
  return {round};
}

Path check_line() {
  return conversation(
      [texts = numbered("CHECK api tenant=t", "\n")](int round, const std::string&) {
        return texts[static_cast<size_t>(round) % kKeys];
      },
      R"({"allowed":true,)");
}

std::string enqueue_line(int round) {
  return "ENQUEUE mails " + std::string(128, 'x') + " KEY k" + std::to_string(round % 100) + "\n";
}

Path enqueue() {
  return conversation([](int round, const std::string&) { return enqueue_line(round); }, "m");
}

// A message comes, is leased, and is acked.
Path cycle() {
  struct Bed {
    command::TalkBed talk{wide_limits()};
  };
  const auto bed = std::make_shared<Bed>();  // Shared: as above.
  const auto round = [bed](int number) {
    bed->talk.say(enqueue_line(number));
    const std::string leased = bed->talk.say("DEQUEUE mails\n");
    constexpr std::string_view kName = R"("receipt":")";
    const size_t begin = leased.find(kName) + kName.size();
    CHECK(begin > kName.size());
    const std::string receipt = leased.substr(begin, leased.find('"', begin) - begin);
    CHECK(bed->talk.say("ACK " + receipt + "\n") == "1\n");
  };
  return {round};
}

Path http_check() {
  struct Bed {
    command::HttpBed http{wide_limits()};
    std::vector<std::string> bodies =
        numbered(R"({"domain":"api","descriptors":[[["tenant","t)", R"("]]],"cost":1})");
  };
  const auto bed = std::make_shared<Bed>();  // Shared: as above.
  const auto round = [bed](int number) {
    const std::string& body = bed->bodies[static_cast<size_t>(number) % kKeys];
    CHECK(bed->http.post("/v1/check", body).status == 200);
  };
  return {round};
}

// The answer of the limits' script to a call with eight decisions.
Path redis_reply() {
  std::string bytes = "*8\r\n";
  for (int i = 0; i < 8; ++i)
    bytes += "*4\r\n:1\r\n:" + std::to_string(999 - i) + "\r\n:0\r\n$16\r\n1700000000000000\r\n";
  const auto round = [bytes](int) {
    redis::ReplyParser parser(size_t{1} << 20);
    CHECK(parser.step(bytes) == redis::ReplyParser::Found::kReply);
    CHECK(parser.consumed() == bytes.size());
  };
  return {round};
}

struct Row {
  std::string_view name;
  Path (*make)();
};

constexpr Row kPaths[] = {
    {"decision", [] { return decisions(1); }},
    {"decision_in_batch", [] { return decisions(kBatch); }},
    {"check_line", check_line},
    {"enqueue_line", enqueue},
    {"enqueue_dequeue_ack", cycle},
    {"http_check", http_check},
    {"redis_reply", redis_reply},
};

}  // namespace

// Counted from its entry to its return; the name is bench/instructions'.
extern "C" __attribute__((noinline)) void measured(const std::function<void(int)>& round,
                                                   int rounds) {
  for (int i = 0; i < rounds; ++i) round(i);
}

int main(int argc, char** argv) {
  if (argc == 1) {
    for (const Row& row : kPaths)
      std::printf("%.*s\n", static_cast<int>(row.name.size()), row.name.data());
    return 0;
  }
  const auto* const row = std::find_if(std::begin(kPaths), std::end(kPaths), [&](const Row& each) {
    return argc == 2 && each.name == argv[1];
  });
  if (row == std::end(kPaths)) {
    std::fprintf(stderr, "instruction_paths: no such path; without arguments it names them\n");
    return 2;
  }
  const Path path = row->make();
  for (int i = 0; i < kRounds; ++i) path.round(i);  // Until tables and buffers have grown.
  measured(path.round, kRounds);
  std::printf("%d\n", kRounds * path.operations);
  return 0;
}

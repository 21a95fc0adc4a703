// The verbs that ask limits and look at them.
#include <algorithm>

#include "command/elsewhere.h"
#include "command/records.h"
#include "command/verbs.h"
#include "command/words.h"

namespace command {
namespace {

bool ask_check(Call& call, limiter::Batch& batch) {
  const auto words = parse_ask(call.words(), {.options = kCost | kDryRun}, call.keep());
  if (!words) {
    call.fail(words.error());
    return false;
  }
  batch.add(words->ask());
  return true;
}

void answer_check(std::span<const std::string_view> words, const limiter::Answer& answer,
                  protocol::Writer& writer) {
  if (!answer.known_domain) {
    const base::Error error = unknown_domain(words[1]);
    writer.error(error.code, error.what);
    return;
  }
  write_decision(answer, writer.record(kDecisionFields));
}

// A descriptor has a `=`, so from the second one on WAIT is the option.
bool waits(std::span<const std::string_view> words) {
  return std::ranges::any_of(words.subspan(3), [](std::string_view word) {
    return word.size() == 4 && same_word(word, "WAIT");
  });
}

bool one_id(std::span<const std::string_view> words) { return words.size() == 2; }

using Why = base::Result<limiter::Limiter::Why>;

void write_why(const Why& why, protocol::Writer& writer) {
  if (!why) return write_error(why.error(), writer);
  writer.list(why->rows.size());
  for (const limiter::WhyRow& row : why->rows) write_why_row(row, writer);
}

void run_why(Call& call) {
  const auto words = parse_ask(call.words(), {}, call.keep());
  if (!words) return call.fail(words.error());
  if (limiter::Decider* const elsewhere = call.services().decider) {
    return elsewhere->why(words->domain, words->descriptors,
                          answering(call, write_why, Behind::kGoOn));
  }
  write_why(call.services().limiter.why(words->domain, words->descriptors, call.now()),
            call.answer());
}

void run_limits(Call& call) {
  const std::string_view domain = call.words().size() > 1 ? call.word(1) : std::string_view();
  const auto limits = call.services().limiter.limits();
  if (call.words().size() > 1 && limits->find(domain) == nullptr) {
    return call.fail(unknown_domain(domain));
  }
  const std::vector<const limiter::Limit*> all = limits->list(domain);
  protocol::Writer& writer = call.answer().list(all.size());
  for (const limiter::Limit* limit : all) write_limit(*limit, writer);
}

void run_block(Call& call) {
  const auto descriptor = parse_descriptor(call.word(2), call.keep());
  if (!descriptor) return call.fail(descriptor.error());
  const auto ms = parse_number("ms", call.word(3), {0, kBlockMsMax});
  if (!ms) return call.fail(ms.error());
  if (limiter::Decider* const elsewhere = call.services().decider) {
    return elsewhere->block(call.word(1), *descriptor, std::chrono::milliseconds(*ms),
                            answering(call, write_status, Behind::kWait));
  }
  const base::Time until = *ms == 0 ? base::Time() : call.now() + std::chrono::milliseconds(*ms);
  call.ok(call.services().limiter.block(call.word(1), *descriptor, until, call.now()));
}

void run_forget(Call& call) {
  const auto descriptor = parse_descriptor(call.word(2), call.keep());
  if (!descriptor) return call.fail(descriptor.error());
  if (limiter::Decider* const elsewhere = call.services().decider) {
    return elsewhere->forget(call.word(1), *descriptor,
                             answering(call, write_status, Behind::kWait));
  }
  call.ok(call.services().limiter.forget(call.word(1), *descriptor));
}

constexpr Verb kRows[] = {
    {.name = "CHECK",
     .arguments = "domain descriptor… [COST n] [WAIT ms] [DRYRUN]",
     .answers = "record `allowed, limited_by, limit, remaining, retry_after_ms, reset_after_ms, "
                "decided_by`",
     .help = "Decides over all limits that the descriptors meet, and charges all of them or none. "
             "With WAIT it answers when the request may go, in order of arrival, at the latest "
             "after so long.",
     .theme = Theme::kLimits,
     .words_min = 3,
     .words_max = -1,
     .flags = kPlain,
     .run = nullptr,
     .ask = ask_check,
     .answer = answer_check,
     .request = request_check,
     .travels = waits},
    {.name = "WHY",
     .arguments = "domain descriptor… | id",
     .answers = "list of records `name, descriptor, algorithm, limit, remaining, allowed, "
                "retry_after_ms, shadow, blocked_until_ms`; of a message: record `state, reason, "
                "limited_by, until_ms, ahead, estimate`",
     .help = "What each limit that matches says now, charging nothing; or why a message is not "
             "being worked on.",
     .theme = Theme::kLimits,
     .words_min = 2,
     .words_max = -1,
     .flags = kPlain,
     .run = run_why,
     .request = request_why,
     .travels = one_id},
    {.name = "LIMITS",
     .arguments = "[domain]",
     .answers = "list of records `domain, name, descriptor, algorithm, rate, burst, concurrency, "
                "counts, shadow, durable, mode, when_gone`",
     .help = "The limits in force.",
     .theme = Theme::kLimits,
     .words_min = 1,
     .words_max = 2,
     .flags = kPlain,
     .run = run_limits},
    {.name = "BLOCK",
     .arguments = "domain descriptor ms",
     .answers = "`OK`",
     .help = "Refuses the descriptor for so long, whether or not a limit matches it; 0 ends that.",
     .theme = Theme::kLimits,
     .words_min = 4,
     .words_max = 4,
     .flags = kAdmin,
     .run = run_block},
    {.name = "FORGET",
     .arguments = "domain descriptor",
     .answers = "`OK`",
     .help = "Removes what the descriptor's limits have counted, and its block.",
     .theme = Theme::kLimits,
     .words_min = 3,
     .words_max = 3,
     .flags = kAdmin,
     .run = run_forget},
};

}  // namespace

std::span<const Verb> limit_verbs() { return kRows; }

}  // namespace command

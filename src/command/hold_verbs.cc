// The verbs that take now and settle later: reservations and holds.
#include "command/elsewhere.h"
#include "command/records.h"
#include "command/verbs.h"
#include "command/words.h"

namespace command {
namespace {

using limiter::Decider;
using limiter::Limiter;
using protocol::Writer;
using Opened = base::Result<Limiter::Opened>;
using Charged = base::Result<int64_t>;

void write_opened(const Opened& opened, Writer& writer) {
  if (!opened) return write_error(opened.error(), writer);
  if (!opened->id.empty()) {
    writer.text(opened->id);
    return;
  }
  writer.error(base::Code::kLimited, limited_text(opened->limited_by, opened->numbers));
}

void write_charged(const Charged& charged, Writer& writer) {
  if (!charged) return write_error(charged.error(), writer);
  writer.integer(*charged);
}

struct Opener {
  Opened (Limiter::*here)(const limiter::Ask&, base::Duration, base::Time);
  void (Decider::*elsewhere)(const limiter::Ask&, base::Duration, Decider::Opened);
};

void open(Call& call, AskForm form, Opener how) {
  const auto words = parse_ask(call.words(), form, call.keep());
  if (!words) return call.fail(words.error());
  Services& services = call.services();
  if (services.decider != nullptr) {
    return (services.decider->*how.elsewhere)(words->ask(), *words->ttl,
                                              answering(call, write_opened, Behind::kGoOn));
  }
  write_opened((services.limiter.*how.here)(words->ask(), *words->ttl, call.now()), call.answer());
}

void run_reserve(Call& call) {
  open(call, {.options = kCost | kTtl, .required = kCost | kTtl},
       {&Limiter::reserve, &Decider::reserve});
}

void run_acquire(Call& call) {
  open(call, {.options = kCost | kTtl, .required = kTtl}, {&Limiter::acquire, &Decider::acquire});
}

void run_commit(Call& call) {
  std::optional<int64_t> cost;
  if (call.words().size() > 2) {
    const auto n = parse_number("n", call.word(2), {0, INT64_MAX});
    if (!n) return call.fail(n.error());
    cost = *n;
  }
  if (Decider* const elsewhere = call.services().decider) {
    return elsewhere->commit(call.word(1), cost, answering(call, write_charged, Behind::kWait));
  }
  write_charged(call.services().limiter.commit(call.word(1), cost, call.now()), call.answer());
}

void run_cancel(Call& call) {
  if (Decider* const elsewhere = call.services().decider) {
    return elsewhere->cancel(call.word(1), answering(call, write_status, Behind::kWait));
  }
  call.ok(call.services().limiter.cancel(call.word(1), call.now()));
}

void run_renew(Call& call) {
  const auto ms = parse_number("ms", call.word(2), {1, kTtlMsMax});
  if (!ms) return call.fail(ms.error());
  const base::Duration ttl = std::chrono::milliseconds(*ms);
  if (Decider* const elsewhere = call.services().decider) {
    return elsewhere->renew(call.word(1), ttl, answering(call, write_status, Behind::kWait));
  }
  call.ok(call.services().limiter.renew(call.word(1), ttl, call.now()));
}

void run_release(Call& call) {
  if (Decider* const elsewhere = call.services().decider) {
    return elsewhere->release(call.word(1), answering(call, write_status, Behind::kWait));
  }
  call.ok(call.services().limiter.release(call.word(1), call.now()));
}

constexpr Verb kRows[] = {
    {.name = "RESERVE",
     .arguments = "domain descriptor… COST n TTL ms",
     .answers = "id, or `LIMITED`",
     .help = "Charges an estimated cost now; COMMIT or CANCEL says what it really was. At the end "
             "of its TTL it commits by itself.",
     .theme = Theme::kLimits,
     .words_min = 3,
     .words_max = -1,
     .flags = kPlain,
     .run = run_reserve},
    {.name = "COMMIT",
     .arguments = "id [n]",
     .answers = "how many units were charged in all",
     .help = "Ends a reservation with its true cost; more than reserved is charged up to the "
             "limit's overdraft.",
     .theme = Theme::kLimits,
     .words_min = 2,
     .words_max = 3,
     .flags = kPlain,
     .run = run_commit},
    {.name = "CANCEL",
     .arguments = "id",
     .answers = "`OK`",
     .help = "Ends a reservation and gives back what has not leaked back meanwhile.",
     .theme = Theme::kLimits,
     .words_min = 2,
     .words_max = 2,
     .flags = kPlain,
     .run = run_cancel},
    {.name = "ACQUIRE",
     .arguments = "domain descriptor… TTL ms [COST n]",
     .answers = "id, or `LIMITED`",
     .help = "Charges rates and takes holds of concurrency limits, all or none.",
     .theme = Theme::kLimits,
     .words_min = 3,
     .words_max = -1,
     .flags = kPlain,
     .run = run_acquire},
    {.name = "RENEW",
     .arguments = "id ms",
     .answers = "`OK`",
     .help = "Gives a hold so much more time, from now.",
     .theme = Theme::kLimits,
     .words_min = 3,
     .words_max = 3,
     .flags = kPlain,
     .run = run_renew},
    {.name = "RELEASE",
     .arguments = "id",
     .answers = "`OK`",
     .help = "Ends a hold; the rates stay charged.",
     .theme = Theme::kLimits,
     .words_min = 2,
     .words_max = 2,
     .flags = kPlain,
     .run = run_release},
};

}  // namespace

std::span<const Verb> hold_verbs() { return kRows; }

}  // namespace command

#include "command/conversation.h"

#include <algorithm>
#include <functional>

#include "base/check.h"
#include "command/desk.h"
#include "command/elsewhere.h"
#include "command/records.h"
#include "command/words.h"

namespace command {
namespace {

constexpr std::string_view kServerDomain = "server";
constexpr uint64_t kFeedsPerSample = 16;  // A clock read at the end of each sampled feed.

bool any_outside(std::span<const std::string_view> words, std::string_view bytes) {
  const std::less_equal<const char*> before;
  return std::ranges::any_of(words, [&](std::string_view word) {
    return !before(bytes.data(), word.data()) ||
           !before(word.data() + word.size(), bytes.data() + bytes.size());
  });
}

bool right_count(const Verb& verb, size_t words) {
  return words >= static_cast<size_t>(verb.words_min) &&
         (verb.words_max < 0 || words <= static_cast<size_t>(verb.words_max));
}

void tally(Desk& desk, Counters& counters, const Verb* verb) {
  if (desk.times > 0 && desk.called != verb) {
    counters.called(desk.called, desk.times);
    desk.times = 0;
  }
  desk.called = verb;
  ++desk.times;
}

void end_tally(Desk& desk, Counters& counters) {
  if (desk.times > 0) counters.called(desk.called, desk.times);
  desk.times = 0;
}

}  // namespace

Conversation::Conversation(Services services, Caller caller, protocol::Bounds bounds,
                           std::function<void()> on_ready)
    : services_(services),
      caller_(std::move(caller)),
      replies_(services.counters, std::move(on_ready)),
      parser_(bounds),
      seat_{services_, caller_, client_, replies_, services.counters.table()} {}

Conversation::~Conversation() {
  if (seat_.travelled) services_.shards->leave(caller_.connection_id);
}

bool Conversation::waiting() const {
  return replies_.holding_up() || (closing_ && replies_.owing());
}
bool Conversation::closing() const { return closing_ && !replies_.owing(); }
bool Conversation::idle() const { return !replies_.owing() && !half_read_ && !more_; }
bool Conversation::stopped() const { return closing_ || replies_.holding_up(); }

size_t Conversation::feed(std::string_view bytes) {
  more_ = false;
  if (stopped() || bytes.empty()) return 0;
  Desk& desk = desk_of_this_thread();
  CHECK(desk.pending.empty() && !desk.errand);
  seat_.now = services_.clock.now();
  limited_ = services_.limiter.limits()->find(kServerDomain) != nullptr;
  replies_.feeding(true);
  const size_t used = run_all(bytes, desk);
  flush(desk);
  replies_.feeding(false);
  end_tally(desk, services_.counters);
  if (++desk.feeds % kFeedsPerSample == 0) {
    services_.counters.fed(services_.clock.now() - seat_.now);
  }
  return used;
}

size_t Conversation::run_all(std::string_view bytes, Desk& desk) {
  size_t used = 0;
  half_read_ = false;
  while (used < bytes.size() && !stopped()) {
    if (out().size() >= kOutBytesMax) {
      more_ = true;
      break;
    }
    const protocol::Parsed parsed = parser_.step(bytes.substr(used));
    used += parser_.consumed();
    if (parsed == protocol::Parsed::kMore) {
      half_read_ = used < bytes.size();
      break;
    }
    if (parser_.resp() && client_.wire == protocol::Wire::kLine) {
      client_.wire = protocol::Wire::kResp2;
    }
    if (parsed == protocol::Parsed::kRequest) {
      run(parser_.words(), desk);
      // Decoded words live in the parser, and only until its next step.
      if (!desk.pending.empty() && !parser_.resp() && any_outside(parser_.words(), bytes)) {
        flush(desk);
      }
      continue;
    }
    refuse(desk, base::Code::kInvalid, parser_.refusal());
    closing_ = parsed == protocol::Parsed::kBroken;
  }
  return used;
}

void Conversation::run(std::span<const std::string_view> words, Desk& desk) {
  const Verb* const verb = words.empty() ? nullptr : seat_.table.find(words[0]);
  tally(desk, services_.counters, verb);
  std::string refusal;
  const bool charged = limited_ && (verb == nullptr || (verb->flags & kUnlimited) == 0);
  if (charged && !pay(desk, refusal)) return refuse(desk, base::Code::kLimited, refusal);
  if (verb == nullptr) {
    std::string text = "unknown command";
    if (parser_.resp() && !words.empty()) text += " '" + shown(words[0]) + "'";
    return refuse(desk, base::Code::kInvalid, text);
  }
  if (!right_count(*verb, words.size())) {
    return refuse(desk, base::Code::kInvalid,
                  "wrong number of arguments for '" + lower_case(verb->name) + "' command");
  }
  if ((verb->flags & kAdmin) != 0 && !caller_.admin) {
    return refuse(desk, base::Code::kNoPerm, lower_case(verb->name) + " needs the admin right");
  }
  if (verb->request != nullptr && (verb->travels == nullptr || verb->travels(words))) {
    return request(*verb, words, desk);
  }
  if (verb->ask != nullptr) return ask(*verb, words, desk);
  run_now(*verb, words, desk);
}

void Conversation::ask(const Verb& verb, std::span<const std::string_view> words, Desk& desk) {
  if (desk.errand) flush(desk);
  Call call(seat_, words, desk.keep, desk.laws, &desk.refusal);
  if (verb.ask(call, desk.batch)) {
    desk.pending.push_back({&verb, desk.words.size(), words.size()});
    desk.words.insert(desk.words.end(), words.begin(), words.end());
    if (desk.pending.size() == kBatchMax) flush(desk);
    return;
  }
  CHECK(call.answered());
  flush(desk);
  desk.clear();  // What the wrong one had kept, if none was pending.
  services_.counters.answered(desk.refusal);
  replies_.next() += desk.refusal;
  desk.refusal.clear();
}

void Conversation::request(const Verb& verb, std::span<const std::string_view> words, Desk& desk) {
  if (services_.shards == nullptr) {
    return refuse(desk, base::Code::kInvalid, "this process has no queues");
  }
  if (!desk.pending.empty()) flush(desk);
  Call call(seat_, words, desk.keep, desk.laws, &desk.refusal);
  Draft draft(seat_, desk.errand);
  if (verb.request(call, draft)) return draft.close_if_due();
  CHECK(call.answered());
  draft.close();
  services_.counters.answered(desk.refusal);
  replies_.next() += desk.refusal;
  desk.refusal.clear();
}

// A verb may make other conversations of this thread feed, so the desk is left clear and untouched.
void Conversation::run_now(const Verb& verb, std::span<const std::string_view> words, Desk& desk) {
  flush(desk);
  std::array<std::byte, 1024> room;
  std::pmr::monotonic_buffer_resource keep(room.data(), room.size());
  Call call(seat_, words, keep, desk.laws);
  verb.run(call);
  CHECK(call.answered());
  services_.counters.answered(call.written());
  closing_ = seat_.close;
}

void Conversation::flush(Desk& desk) {
  if (desk.errand) Draft(seat_, desk.errand).close();
  if (desk.pending.empty()) return;
  if (services_.decider != nullptr) return decide_elsewhere(desk, seat_);
  services_.limiter.decide(desk.batch, seat_.now);
  std::string& to = replies_.next();
  const std::span<const std::string_view> words = desk.words;
  for (size_t i = 0; i < desk.pending.size(); ++i) {
    const auto [verb, first, count] = desk.pending[i];
    const size_t begin = to.size();
    protocol::Writer writer(client_.wire, to);
    verb->answer(words.subspan(first, count), desk.batch.answer(i), writer);
    CHECK(writer.complete());
    services_.counters.answered(std::string_view(to).substr(begin));
  }
  desk.clear();
}

void Conversation::refuse(Desk& desk, base::Code code, std::string_view text) {
  flush(desk);
  std::string& to = replies_.next();
  const size_t begin = to.size();
  protocol::Writer(client_.wire, to).error(code, text);
  services_.counters.answered(std::string_view(to).substr(begin));
}

bool Conversation::pay(Desk& desk, std::string& refusal) {
  const limiter::Entry ip{"client_ip", caller_.address};
  const limiter::Entry scope{"scope", "global"};
  const std::array<limiter::Descriptor, 2> both = {limiter::Descriptor(&ip, 1),
                                                   limiter::Descriptor(&scope, 1)};
  desk.toll.add({.domain = kServerDomain, .descriptors = both});
  services_.limiter.decide(desk.toll, seat_.now);
  const limiter::Answer& answer = desk.toll.answer(0);
  const bool allowed = answer.allowed;
  if (!allowed) refusal = limited_text(answer.limited_by, answer.numbers);
  desk.toll.clear();
  return allowed;
}

}  // namespace command

#include "command/elsewhere.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>

#include "command/talk_bed.h"
#include "limiter/openings.h"

namespace command {
namespace {

using testing::HasSubstr;

// Limits that answer when they are told to: those of `limiter`, or as if their store were gone.
class LateDecider : public limiter::Decider {
 public:
  LateDecider(limiter::Limiter& limiter, const base::Clock& clock)
      : limiter_(limiter), clock_(clock) {}

  void decide(std::span<const limiter::Ask> asks, Decided done) override {
    asked.push_back(asks.size());
    auto batch = std::make_shared<limiter::Batch>();
    auto kept = std::make_shared<std::deque<limiter::DescriptorCopy>>();
    for (limiter::Ask ask : asks) {
      ask.descriptors = kept->emplace_back(ask.descriptors).get();
      batch->add(ask);
    }
    limiter_.decide(*batch, clock_.now());
    later_.push_back([batch, kept, done] {
      std::vector<limiter::Answer> answers;
      for (size_t i = 0; i < batch->size(); ++i) answers.push_back(batch->answer(i));
      done(answers);
    });
  }
  void reserve(const limiter::Ask& ask, base::Duration ttl, Opened done) override {
    tell(limiter_.reserve(ask, ttl, clock_.now()), done);
  }
  void commit(std::string_view id, std::optional<int64_t> cost, Committed done) override {
    tell(limiter_.commit(id, cost, clock_.now()), done);
  }
  void cancel(std::string_view id, Ended done) override {
    tell(limiter_.cancel(id, clock_.now()), done);
  }
  void acquire(const limiter::Ask& ask, base::Duration ttl, Opened done) override {
    tell(limiter_.acquire(ask, ttl, clock_.now()), done);
  }
  void renew(std::string_view id, base::Duration ttl, Ended done) override {
    tell(limiter_.renew(id, ttl, clock_.now()), done);
  }
  void release(std::string_view id, Ended done) override {
    tell(limiter_.release(id, clock_.now()), done);
  }
  void why(std::string_view domain, std::span<const limiter::Descriptor> descriptors,
           Explained done) override {
    tell(limiter_.why(domain, descriptors, clock_.now()), done);
  }
  void block(std::string_view domain, limiter::Descriptor descriptor, base::Duration span,
             Ended done) override {
    const base::Time now = clock_.now();
    const base::Time until = span == base::Duration::zero() ? base::Time{} : now + span;
    tell(limiter_.block(domain, descriptor, until, now), done);
  }
  void forget(std::string_view domain, limiter::Descriptor descriptor, Ended done) override {
    tell(limiter_.forget(domain, descriptor), done);
  }

  bool pump() {
    const bool any = !later_.empty();
    for (const auto& each : std::exchange(later_, {})) each();
    return any;
  }
  void drop() { later_.clear(); }

  bool gone = false;
  std::vector<size_t> asked;  // How many asks each decide() had.

 private:
  template <typename Result, typename Done>
  void tell(Result result, const Done& done) {
    if (gone) result = base::Error{base::Code::kIo, "it is gone", {}};
    later_.push_back([result = std::move(result), done]() mutable { done(std::move(result)); });
  }

  limiter::Limiter& limiter_;
  const base::Clock& clock_;
  std::vector<std::function<void()>> later_;
};

struct LateBed : TalkBed {
  LateBed() {
    talk = std::make_unique<Conversation>(
        Services{limiter, clock, process, counters, &shards, &hosts, &decider},
        Caller{.address = "127.0.0.1", .admin = true, .connection_id = 1}, protocol::Bounds{},
        [this] { ++readies; });
  }
  // Until nothing moves any more.
  std::string all(std::string_view bytes) {
    std::string out = say(bytes);
    while (decider.pump()) out += go_on();
    return out;
  }

  LateDecider decider{limiter, clock};
};

TEST(Elsewhere, AnswersComeInTheOrderOfTheirRequests) {
  LateBed bed;
  EXPECT_EQ(bed.say("PING\nCHECK api tenant=a\nPING\nCHECK nowhere tenant=a\n"
                    "CHECK api tenant=a COST x\nPING two\n"),
            "PONG\n");
  const std::string rest = bed.all("");
  EXPECT_THAT(rest, HasSubstr("\"allowed\":true"));
  EXPECT_THAT(rest, HasSubstr("\nPONG\nNOTFOUND there is no domain 'nowhere'\nERR COST"));
  EXPECT_TRUE(rest.ends_with("\ntwo\n")) << rest;
}

TEST(Elsewhere, WhatOneFeedChecksIsAskedAtOnce) {
  LateBed bed;
  std::string bytes;
  for (int i = 0; i < 20; ++i) bytes += resp({"CHECK", "api", "tenant=a"});
  const std::string out = bed.all(bytes);
  EXPECT_THAT(bed.decider.asked, testing::ElementsAre(20));
  EXPECT_EQ(std::ranges::count(out, '*'), 20);
}

// The requests of one connection see what those before them did, and are answered as if limits were
// here, however the bytes are cut.
RC_GTEST_PROP(Elsewhere, TheAnswersAreThoseOfLimitsThatAreHere, ()) {
  static const std::vector<std::string> kRequests = {
      "PING\n",
      "CHECK api tenant=acme\n",
      "CHECK api \"tenant=\\u0061cme\" COST 2\n",
      "CHECK api tenant=acme DRYRUN\n",
      "CHECK api tenant=acme COST x\n",
      "CHECK nowhere tenant=acme\n",
      "nonsense\n",
      "WHY api tenant=acme\n",
      "WHY nowhere tenant=acme\n",
      "FORGET api tenant=acme\n",
      "BLOCK api tenant=acme 1000\n",
      "BLOCK api tenant=acme 0\n",
      "COMMIT nothing\n",
      "CANCEL nothing\n",
      "RENEW nothing 5\n",
      "RELEASE nothing\n",
      "RESERVE api tenant=acme COST 9 TTL 5\n",
      "ACQUIRE nowhere job=1 TTL 5\n",
      "LIMITS\n",
      "ECHO x\n",
  };
  const auto picks =
      *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, kRequests.size()));
  std::string bytes;
  for (const size_t pick : picks) bytes += kRequests[pick];
  TalkBed here;
  const std::string expected = here.say(bytes);
  LateBed late;
  std::string got;
  for (size_t at = 0; at < bytes.size();) {
    const size_t size = *rc::gen::inRange<size_t>(1, 90);
    const std::string_view piece = std::string_view(bytes).substr(at, size);
    got += *rc::gen::arbitrary<bool>() ? late.all(piece) : late.say(piece);
    at += size;
  }
  got += late.all("");
  RC_ASSERT(got == expected);
}

TEST(Elsewhere, AReservationIsMadeAndEnded) {
  LateBed bed;
  std::string id = bed.all("RESERVE api model=m COST 40 TTL 60000\n");
  ASSERT_TRUE(id.starts_with("r")) << id;
  id.pop_back();
  EXPECT_EQ(bed.all("COMMIT " + id + " 30\n"), "30\n");
  EXPECT_THAT(bed.all("COMMIT " + id + "\n"), testing::StartsWith("NOTFOUND "));
  std::string hold = bed.all("ACQUIRE api job=1 TTL 60000\n");
  hold.pop_back();
  EXPECT_EQ(bed.all("RENEW " + hold + " 60000\nRELEASE " + hold + "\n"), "OK\nOK\n");
  bed.all("ACQUIRE api job=1 TTL 60000\nACQUIRE api job=1 TTL 60000\n");
  EXPECT_THAT(bed.all("ACQUIRE api job=1 TTL 60000\n"),
              testing::StartsWith("LIMITED by jobs retry_after_ms="));
}

TEST(Elsewhere, ACallThatNeedsTheStoreSaysThatItIsGone) {
  LateBed bed;
  bed.decider.gone = true;
  EXPECT_EQ(bed.all("RESERVE api model=m COST 4 TTL 6000\nWHY api model=m\nRELEASE h1\n"),
            "ERR the store cannot be asked: it is gone\n"
            "ERR the store cannot be asked: it is gone\n"
            "ERR the store cannot be asked: it is gone\n");
}

TEST(Elsewhere, AnAnswerThatIsNeverGivenIsInDoubt) {
  LateBed bed;
  bed.say("CHECK api tenant=a\n");
  bed.decider.drop();
  EXPECT_THAT(bed.take(), testing::StartsWith("UNKNOWN "));
}

TEST(Elsewhere, AConnectionThatHasGoneHarmsNobody) {
  LateBed bed;
  bed.say("CHECK api tenant=a\nRESERVE api model=m COST 4 TTL 6000\n");
  bed.talk.reset();
  EXPECT_TRUE(bed.decider.pump());
}

TEST(Elsewhere, AKeyWithALawOfItsOwnIsRefused) {
  LateBed bed;
  EXPECT_THAT(bed.all("CL.THROTTLE k 4 1 1\n"),
              testing::StartsWith("ERR CL.THROTTLE is not there"));
}

}  // namespace
}  // namespace command

#include "store/store.h"

#include <utility>

#include "limiter/tree.h"
#include "store/body.h"

namespace store {

base::Error unknown_domain(std::string_view domain) {
  return {base::Code::kNotFound, "there is no domain '" + std::string(domain) + "'", "domain"};
}

namespace {

void count(const Round& decided, limiter::Limiter& limits) {
  for (size_t i = 0; i < decided.items.size(); ++i) {
    const Item& item = decided.items[i];
    if (item.purpose == limiter::Purpose::kPeek) continue;
    const limiter::Limits::Domain* const domain = item.domains.counting();
    limits.count(domain != nullptr ? domain->name() : std::string_view(), decided.answers[i]);
  }
}

}  // namespace

Store::Store(io::Loop& loop, Common& common) : body_(std::make_unique<Body>(loop, common)) {}
Store::~Store() = default;

void Store::decide(std::span<const limiter::Ask> asks, Decided done) {
  std::unique_ptr<Round> round = body_->desk.round();
  for (const limiter::Ask& ask : asks) {
    body_->desk.add(*round, ask, ask.dry_run ? limiter::Purpose::kPeek : limiter::Purpose::kCharge);
  }
  round->done = [&limits = body_->common.limits, done = std::move(done)](Round& decided) {
    count(decided, limits);
    done(decided.answers);
  };
  body_->desk.start(std::move(round));
}

}  // namespace store

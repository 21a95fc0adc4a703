#include "store/store.h"

#include <utility>

#include "store/body.h"

namespace store {

base::Error unknown_domain(std::string_view domain) {
  return {base::Code::kNotFound, "there is no domain '" + std::string(domain) + "'", "domain"};
}

Store::Store(io::Loop& loop, Common& common) : body_(std::make_unique<Body>(loop, common)) {}
Store::~Store() = default;

void Store::decide(std::span<const limiter::Ask> asks, Decided done) {
  std::unique_ptr<Round> round = body_->desk.round();
  for (const limiter::Ask& ask : asks) {
    body_->desk.add(*round, ask, ask.dry_run ? limiter::Purpose::kPeek : limiter::Purpose::kCharge);
  }
  round->done = [done = std::move(done)](Round& decided) { done(decided.answers); };
  body_->desk.start(std::move(round));
}

}  // namespace store

// Looking into the store and reaching past decisions: why, block, forget.
#include <algorithm>
#include <map>
#include <utility>

#include "store/body.h"

namespace store {
namespace {

using limiter::Descriptor;
using limiter::Limits;

// In the order of the round's items: each limit of each descriptor; of one without limits its
// block.
std::vector<limiter::WhyRow> rows_of(const Round& round, const Store::Body& body) {
  std::vector<limiter::WhyRow> rows;
  for (size_t i = 0; i < round.items.size(); ++i) {
    const Item& item = round.items[i];
    const bool bare = item.span.met == item.span.met_end;
    const int64_t left_us = std::max<int64_t>(item.blocked_until - item.now, 0);
    const base::Duration left = from_us(left_us);
    if (bare && left_us == 0) continue;
    limiter::WhyRow& row = rows.emplace_back();
    row.descriptor = limiter::to_string(item.descriptors.front());
    if (bare) {
      row.limit = nullptr;
      row.decision = {.allowed = false, .retry_after = left, .reset_after = left};
    } else {
      row.limit = round.rows[item.span.met].limit;
      row.decision = round.rows[item.span.met].decision;
    }
    if (left_us == 0) continue;
    row.decision.allowed = false;
    row.decision.retry_after = std::max(row.decision.retry_after, left);
    row.blocked_until = body.common.clock.now() + left;
  }
  return rows;
}

}  // namespace

void Store::why(std::string_view domain, std::span<const Descriptor> descriptors, Explained done) {
  const auto refuse = [&](base::Error error) {
    body_->line.later([done = std::move(done), error = std::move(error)] { done(error); });
  };
  if (auto valid = limiter::validate({.domain = domain, .descriptors = descriptors}); !valid)
    return refuse(valid.error());
  std::unique_ptr<Round> round = body_->desk.round();
  const Limits::Domain* const found = round->limits->find(domain);
  if (found == nullptr) return refuse(unknown_domain(domain));
  round->wants_store = true;
  std::string text;
  for (const Descriptor descriptor : descriptors) {
    const std::span<const limiter::Limit> met = Limits::match(*found, descriptor, text);
    for (const limiter::Limit& limit : met) body_->desk.add_row(*round, *found, descriptor, &limit);
    if (met.empty()) body_->desk.add_row(*round, *found, descriptor, nullptr);
  }
  round->done = [body = body_.get(), done = std::move(done)](Round& explained) {
    for (const Item& item : explained.items) {
      if (item.failed) return done(*item.failed);
    }
    done(limiter::Limiter::Why{explained.limits, rows_of(explained, *body)});
  };
  body_->desk.start(std::move(round));
}

void Store::block(std::string_view domain, Descriptor descriptor, base::Duration span, Ended done) {
  const auto refuse = [&](base::Error error) {
    body_->line.later([done = std::move(done), error = std::move(error)] { done(error); });
  };
  if (auto valid = limiter::validate(descriptor); !valid) return refuse(valid.error());
  if (span.count() < 0 || ceil_us(span) >= kExact / 4)
    return refuse(base::invalid("a block's time is between 0 and 71 years", "span"));
  const std::shared_ptr<const Limits> limits = body_->common.limits.limits();
  const Limits::Domain* const found = limits->find(domain);
  if (found == nullptr) return refuse(unknown_domain(domain));

  // The flag first: nobody may see the block and not look for it.
  std::vector<Change> changes;
  const int64_t us = ceil_us(span);
  if (body_->common.names.placement() == Placement::kDomain && us > 0) {
    changes.push_back({.what = Change::What::kFlag,
                       .name = body_->common.names.flag(body_->desk.tag_of(*found)),
                       .n = us});
  }
  changes.push_back(
      {.what = Change::What::kBlock, .name = body_->desk.block_name(*found, descriptor), .n = us});
  body_->desk.flush();
  body_->desk.expect_blocks(found->name(), body_->common.clock.now() + span);
  body_->freed();
  settle(body_->line, body_->common.store_time(), changes, body_->deadline(),
         [done = std::move(done)](base::Status&& status, std::vector<int64_t>&&) {
           done(std::move(status));
         });
}

void Store::forget(std::string_view domain, Descriptor descriptor, Ended done) {
  const auto refuse = [&](base::Error error) {
    body_->line.later([done = std::move(done), error = std::move(error)] { done(error); });
  };
  if (auto valid = limiter::validate(descriptor); !valid) return refuse(valid.error());
  const std::shared_ptr<const Limits> limits = body_->common.limits.limits();
  const Limits::Domain* const found = limits->find(domain);
  if (found == nullptr) return refuse(unknown_domain(domain));

  std::vector<std::string> names = {body_->desk.block_name(*found, descriptor)};
  std::string text;
  for (const limiter::Limit& limit : Limits::match(*found, descriptor, text)) {
    const std::string name =
        body_->desk.state_name(*limits, {.limit = &limit, .descriptor = descriptor, .key = {}});
    for (const char* const suffix : {"", "l", "h"}) names.push_back(name + suffix);
  }
  std::map<uint16_t, std::vector<std::string_view>> by_place;
  for (const std::string& name : names) {
    auto& words = by_place[body_->line.place_of(name)];
    if (words.empty()) words.push_back("DEL");
    words.push_back(name);
  }
  body_->desk.flush();
  body_->freed();
  struct Pending {
    size_t left;
    base::Status status;
    Ended done;
  };
  auto pending = std::make_shared<Pending>(Pending{by_place.size(), {}, std::move(done)});
  for (const auto& [place, words] : by_place) {
    body_->line.send(words, words[1], body_->deadline(),
                     [pending](base::Result<redis::Reply>&& reply) {
                       if (!reply) pending->status = reply.error();
                       if (--pending->left == 0) pending->done(std::move(pending->status));
                     });
  }
}

}  // namespace store

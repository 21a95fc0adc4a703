#include "store/ticket_box.h"

#include <algorithm>
#include <utility>

namespace store {

std::shared_ptr<const KeptAnswer> KeptAnswer::of(const Round& round, size_t number) {
  auto kept = std::make_shared<KeptAnswer>();
  kept->limits = round.limits;
  kept->answer = round.answers[number];
  const std::span<const limiter::Descriptor> asked = round.items[number].descriptors;
  for (const limiter::LimitAnswer& row : kept->answer.limits) {
    const auto at = std::ranges::find_if(
        asked, [&](limiter::Descriptor each) { return each.data() == row.descriptor.data(); });
    kept->rows.push_back({row.limit, static_cast<size_t>(at - asked.begin()), row.decision});
  }
  kept->answer.limits = {};
  return kept;
}

limiter::Answer KeptAnswer::told(const limiter::Ask& ask, base::Duration age,
                                 std::vector<limiter::LimitAnswer>& out) const {
  const auto aged = [age](limit::Decision decision) {
    for (base::Duration* each : {&decision.retry_after, &decision.reset_after}) {
      if (*each != limit::kNever) *each = std::max(*each - age, base::Duration{});
    }
    return decision;
  };
  out.clear();
  for (const Row& row : rows) {
    const limiter::Descriptor descriptor = row.descriptor < ask.descriptors.size()
                                               ? ask.descriptors[row.descriptor]
                                               : limiter::Descriptor{};
    out.push_back({row.limit, descriptor, aged(row.decision)});
  }
  limiter::Answer told = answer;
  told.numbers = aged(answer.numbers);
  told.limits = out;
  return told;
}

void keep_holds(Ticket& ticket) {
  std::erase_if(ticket.returns,
                [](const Change& each) { return each.what == Change::What::kGiveBack; });
}

Asked* TicketBox::find(base::Hash128 key) {
  const auto found = asked_.find(key);
  return found == asked_.end() ? nullptr : &found->second;
}

void TicketBox::put(base::Hash128 key, Ticket ticket) {
  Asked& asked = at(key);
  const base::Time until = ticket.until;
  asked.tickets.push_back(std::move(ticket));
  ++kept_;
  look_again(key, asked, until);
}

Ticket TicketBox::use(Asked& asked) {
  Ticket ticket = std::move(asked.tickets.back());
  asked.tickets.pop_back();
  --kept_;
  return ticket;
}

void TicketBox::look_again(base::Hash128 key, Asked& asked, base::Time at) {
  if (std::exchange(asked.watched, true)) return;
  checks_.push({at, key});
}

std::optional<base::Time> TicketBox::next_check() const {
  if (checks_.empty()) return std::nullopt;
  return checks_.top().at;
}

std::vector<Ticket> TicketBox::empty() {
  std::vector<Ticket> all;
  for (auto& [key, asked] : asked_) {
    std::ranges::move(asked.tickets, std::back_inserter(all));
  }
  asked_.clear();
  checks_ = {};
  kept_ = 0;
  return all;
}

}  // namespace store

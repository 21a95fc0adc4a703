// The limiter's side of the journal (limiter/journal.h).
#include "limiter/state.h"
#include "limiter/watermark.h"

namespace limiter {

void Limiter::use(Journal* journal) { state_->table.watermarks().use(journal); }

void Limiter::journaled(uint64_t through) {
  for (const base::Hash128 state : state_->table.watermarks().journaled(through))
    state_->watchers.tell(state);
}

void Limiter::journal_failed() {
  for (const base::Hash128 state : state_->table.watermarks().fail()) state_->watchers.tell(state);
}

base::Status Limiter::recover(std::string_view record, base::Time now) {
  const auto mark = decode(record);
  if (!mark) return mark.error();
  const auto law = law_of(*mark, now);
  if (!law) return law.error();
  const Law* known = nullptr;
  LawNumber number = kAdHoc;
  if (law->has_value()) {
    const auto numbered = state_->laws.number(**law);
    if (!numbered) return numbered.error();
    number = *numbered;
    known = &state_->laws.at(number);
  }
  if (!state_->table.recover(*mark, known, number, now))
    return base::Error{base::Code::kFull, "the table is full", {}};
  return {};
}

bool Limiter::rejournal(size_t& slice, base::Time now) {
  if (slice < Watermarks::kStripes) state_->table.rejournal(slice++, now);
  return slice < Watermarks::kStripes;
}

}  // namespace limiter

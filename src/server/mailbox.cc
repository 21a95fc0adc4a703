#include "server/mailbox.h"

#include <algorithm>
#include <iterator>

namespace server {
namespace {

// How far back a freed limit is looked for: one that frees again and again is told once.
constexpr size_t kLookBack = 16;

template <typename Item>
void move_behind(std::vector<Item>& from, std::vector<Item>& to) {
  if (to.empty()) return to.swap(from);
  to.insert(to.end(), std::move_iterator(from.begin()), std::move_iterator(from.end()));
  from.clear();
}

}  // namespace

void Mail::clear() {
  requests.clear();
  answered.clear();
  freed.clear();
  limits_changed = false;
}

void Mailbox::put(Mail& mail) {
  {
    const base::Guard guard(mutex_);
    move_behind(mail.requests, mail_.requests);
    move_behind(mail.answered, mail_.answered);
  }
  ring();
}

void Mailbox::put_freed(Mail::Freed freed) {
  {
    const base::Guard guard(mutex_);
    const auto last = mail_.freed.end();
    const auto first = last - static_cast<std::ptrdiff_t>(std::min(kLookBack, mail_.freed.size()));
    if (std::find(first, last, freed) != last) return;  // Told, and not heard yet.
    mail_.freed.push_back(freed);
  }
  ring();
}

void Mailbox::put_limits_changed() {
  {
    const base::Guard guard(mutex_);
    mail_.limits_changed = true;
  }
  ring();
}

void Mailbox::take(Mail& into) {
  const base::Guard guard(mutex_);
  std::swap(into, mail_);
}

}  // namespace server

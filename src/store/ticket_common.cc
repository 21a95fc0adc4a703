#include "store/ticket_common.h"

namespace store {

void TicketCommon::on_freed(std::function<void(uint32_t, base::Hash128)> told) {
  told_ = told;
  watchers.on_freed(std::move(told));
}

void TicketCommon::collect(metric::Families& families) const {
  families.counter("ratelimmq_tickets_asked_total",
                   "Units for one delivery that the store was asked for.", {}, asked.value());
  families.counter("ratelimmq_tickets_used_total", "Tickets that a delivery was made with.", {},
                   used.value());
  families.counter("ratelimmq_tickets_returned_total", "Tickets that were given back, unused.", {},
                   returned.value());
  const auto gauge = [&](std::string_view name, std::string_view help, const metric::Gauge& value) {
    families.gauge(name, help, {}, static_cast<double>(value.value()));
  };
  gauge("ratelimmq_tickets_in_flight", "Tickets that were asked for and not answered.", in_flight);
  gauge("ratelimmq_tickets_kept", "Tickets that are there and not used.", kept);
  gauge("ratelimmq_tickets_owed",
        "Releases and renewals of holds that the store has not confirmed.", owed);
}

}  // namespace store

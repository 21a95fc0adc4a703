#include "server/web.h"

#include "server/gateway_talk.h"

namespace server {

Web::Place::Place(io::Loop& loop, Web& web, limiter::Decider* local)
    : upstreams(loop, web.options_.proxy, web.traffic_), site(loop, web.common_, local) {
  for (const gateway::Route& route : web.options_.routes) {
    if (!route.upstream.empty()) upstreams.expect(route.upstream);
  }
}

Web::Web(Terms terms, const base::Clock& clock, const std::vector<io::Loop*>& loops,
         const std::vector<limiter::Decider*>& deciders)
    : options_(std::move(terms.options)),
      clock_(clock),
      common_(options_, clock, std::move(terms.cache)) {
  for (size_t i = 0; i < loops.size(); ++i) {
    limiter::Decider* const local = deciders.empty() ? nullptr : deciders[i];
    places_.push_back(std::make_unique<Place>(*loops[i], *this, local));
  }
}

MakeTalk Web::make_talk() {
  return [this](const Arrival& arrival, base::Random& ids, std::function<void()> wake) {
    Place& here = *places_[arrival.worker];
    return std::make_unique<GatewayTalk>(
        proxy::Conversation::Common{options_.proxy, here.site, here.upstreams, clock_, ids},
        arrival.peer, std::move(wake));
  };
}

void Web::collect(metric::Families& families) const {
  common_.collect(families);
  traffic_.collect(families);
}

}  // namespace server

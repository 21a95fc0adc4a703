#include "server/reloads.h"

#include <string>

#include "io/log.h"

namespace server {

Reloads::Reloads(std::function<Reload()> reload, const base::Clock& clock)
    : reload_(std::move(reload)), clock_(clock), succeeded_at_ns_(base::nanoseconds(clock.now())) {}

Reload Reloads::run(std::string_view cause) {
  if (!reload_) return {};
  Reload done = reload_();
  last_succeeded_ = done.errors.empty();
  (done.errors.empty() ? succeeded_ : failed_).add();
  if (done.errors.empty()) {
    succeeded_at_ns_ = base::nanoseconds(clock_.now());
    io::log(io::Level::kInfo, "reloaded",
            {{"cause", std::string(cause)}, {"limits", std::to_string(done.limits)}});
    return done;
  }
  for (const std::string& error : done.errors) {
    io::log(io::Level::kError, "reload failed", {{"error", error}});
  }
  io::log(io::Level::kWarning, "the old limits stay",
          {{"cause", std::string(cause)}, {"errors", std::to_string(done.errors.size())}});
  return done;
}

void Reloads::collect(metric::Families& families) const {
  families.gauge("ratelimmq_config_last_reload_successful", "1 if the last reload succeeded.", {},
                 last_succeeded_ ? 1 : 0);
  families.gauge("ratelimmq_config_last_reload_success_timestamp_seconds",
                 "When limits were last loaded, since the epoch.", {},
                 static_cast<double>(succeeded_at_ns_) / 1e9);
  constexpr std::string_view kName = "ratelimmq_config_reloads_total";
  families.counter(kName, "Reloads.", {{"result", "success"}}, succeeded_.value());
  families.counter(kName, "Reloads.", {{"result", "failure"}}, failed_.value());
}

}  // namespace server

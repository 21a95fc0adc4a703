#include "fetch/sweep.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace fetch {
namespace {

constexpr size_t kLinesAtOnce = 256;  // Then the sockets have their turn.
constexpr size_t kLinesBehindOne = 4;
constexpr base::Duration kHouse = std::chrono::milliseconds(100);
constexpr base::Duration kLeaseSlack = std::chrono::minutes(1);
constexpr base::Duration kBurst = std::chrono::milliseconds(100);
constexpr unsigned kRedirectsMax = 100;

SweepOptions with_lease(SweepOptions options) {
  const bool bounded =
      options.blocking == nullptr && options.terms.timeout < queue::kLeaseMax - kLeaseSlack;
  options.limits.lease = bounded ? options.terms.timeout + kLeaseSlack : queue::kLeaseMax;
  options.window.per_host = options.limits.per_host;
  options.terms.redirects = std::min(options.terms.redirects, kRedirectsMax);
  return options;
}

// A breaker is for hosts that will be asked for ever; here each URL is asked, and `give_up` ends
// it.
dispatch::HostsOptions hosts_options(uint64_t seed) {
  return {.breaker_failures = std::numeric_limits<uint32_t>::max(), .seed = seed};
}

std::string seconds(base::Duration span) {
  return std::to_string((base::ceil_ms(span) + 999) / 1000) + " s";
}

}  // namespace

base::Result<limit::Gcra> pace(const limit::Rate& rate, std::optional<int64_t> burst) {
  if (!burst && rate.count > 0)
    burst = std::max<int64_t>(1, kBurst / std::max(base::Duration(1), rate.period / rate.count));
  return limit::Gcra::make(rate, burst.value_or(1));
}

base::Result<std::unique_ptr<Sweep>> Sweep::make(io::Loop& loop, const base::Clock& clock,
                                                 SweepOptions options, Source& source,
                                                 OnFinished on_finished,
                                                 std::function<void()> on_end) {
  std::unique_ptr<Sweep> sweep(new Sweep(loop, clock, with_lease(std::move(options)), source,
                                         std::move(on_finished), std::move(on_end)));
  if (const base::Status opened = sweep->open(); !opened) return opened.error();
  return sweep;
}

Sweep::Sweep(io::Loop& loop, const base::Clock& clock, SweepOptions options, Source& source,
             OnFinished on_finished, std::function<void()> on_end)
    : loop_(loop),
      clock_(clock),
      options_(std::move(options)),
      source_(source),
      on_finished_(std::move(on_finished)),
      on_end_(std::move(on_end)),
      window_(options_.window),
      alarm_(loop.poll(), [this] {
        keep_house();
        pump(kLinesAtOnce);
      }) {
  for (const auto& [name, value] : options_.fields) fields_.push_back({name, value});
}

Sweep::~Sweep() { *gone_ = true; }

base::Status Sweep::open() {
  if (options_.window.most < 1) return base::invalid("window must be at least 1", "window");
  auto made = MemoryQueue::make(
      options_.limits, [this](const MemoryQueue::Run& next) { run(next, clock_.now()); },
      clock_.now());
  if (!made) return made.error();
  queue_ = std::move(*made);
  hosts_ =
      std::make_unique<dispatch::Hosts>(queue_->limiter(), hosts_options(options_.limits.seed));
  if (options_.blocking != nullptr) {
    crew_ = std::make_unique<Crew>(options_.blocking);
  } else {
    courier_ = std::make_unique<Courier>(loop_, clock_, *hosts_, options_.client);
  }
  return {};
}

void Sweep::start() {
  source_.more = [this] {
    source_waits_ = false;
    pump(kLinesAtOnce);
  };
  pump_soon();
}

void Sweep::stop() { stopped_ = true; }

Progress Sweep::progress() const {
  Progress out{.finished = finished_,
               .requests = requests_,
               .in_flight = in_flight_,
               .in_hand = window_.in_hand(),
               .on_disk = window_.spilled(),
               .hosts = window_.hosts(),
               .read_all = source_ended_ && !pending_};
  const base::Time now = clock_.now();
  for (const dispatch::HostRow& row : hosts_->rows(1000, now)) {
    if (row.blocked_until > now) ++out.blocked_hosts;
  }
  return out;
}

// ---- What moves it.

void Sweep::pump_soon() {
  if (std::exchange(posted_, true)) return;
  loop_.post([this, gone = gone_] {
    if (*gone) return;
    posted_ = false;
    pump(kLinesAtOnce);
  });
}

void Sweep::pump(size_t lines_max) {
  if (stopped_ || pumping_) return;
  pumping_ = true;
  const base::Time now = clock_.now();
  const bool more = fill(lines_max, now);
  if (!stopped_) queue_->turn(now);
  settle(now);
  pumping_ = false;
  if (stopped_) return;
  if (source_ended_ && !pending_ && window_.in_hand() == 0 && window_.spilled() == 0) {
    stopped_ = true;
    return on_end_();
  }
  if (more) pump_soon();
  if (const base::Time due = queue_->due(); due != base::Time::max())
    alarm_.within(std::max(base::Duration(0), due - now));
}

void Sweep::keep_house() {
  const base::Time now = clock_.now();
  if (now - kept_ < kHouse) return;
  kept_ = now;
  queue_->limiter().tick(now);
  hosts_->tick(now);
}

// Hosts that were given up while something of them was being looked at.
void Sweep::settle(base::Time now) {
  while (!lost_.empty() && !stopped_) {
    Host& host = *lost_.back();
    lost_.pop_back();
    end_all(host, now);
  }
}

// ---- In.

// True: there is more, and room for it.
bool Sweep::fill(size_t lines_max, base::Time now) {
  for (size_t n = 0; n < lines_max && !stopped_; ++n) {
    if (pending_) {
      Host& host = window_.host(pending_->host);
      if (!admit(pending_->index, pending_->given, pending_->url, host, now)) {
        window_.forget_if_idle(host);
        return false;
      }
      pending_.reset();
    }
    if (source_ended_ || source_waits_) return false;
    Source::Line line;
    switch (source_.next(line)) {
      case Source::Got::kEnd:
        source_ended_ = true;
        return false;
      case Source::Got::kLater:
        source_waits_ = true;
        return false;
      case Source::Got::kLine:
        break;
    }
    if (line.too_long) {
      refuse(line.index, line.text, {},
             "the URL has more than " + std::to_string(Source::kUrlBytesMax) + " bytes");
      continue;
    }
    base::Result<http::Url> url = http::parse_url(line.text);
    if (!url) {
      refuse(line.index, line.text, {}, url.error().what);
      continue;
    }
    Host& host = window_.host(url->authority());
    if (admit(line.index, line.text, *url, host, now)) continue;
    pending_ = Pending{line.index, std::string(line.text), std::move(*url), host.name};
    window_.forget_if_idle(host);
    return false;
  }
  return !stopped_;
}

bool Sweep::admit(uint64_t index, std::string_view given, const http::Url& url, Host& host,
                  base::Time now) {
  if (!host.given_up.empty()) {
    refuse(index, given, host.name, host.given_up);
    return true;
  }
  switch (window_.place_for(host)) {
    case Window::Place::kHand:
      enter({.index = index, .given = given}, url, host, now);
      return true;
    case Window::Place::kDisk:
      // Of an error nothing is lost: has_room() is false from then on.
      static_cast<void>(window_.spill(host, index, given).has_value());
      return true;
    case Window::Place::kNowhere:
      return false;
  }
  return false;
}

void Sweep::enter(const Carried& carried, const http::Url& url, Host& host, base::Time now) {
  encode(carried, url, body_);
  window_.enter(host, queue_->add(host.name, body_, now));
}

void Sweep::refill(Host& host, base::Time now) {
  while (host.given_up.empty() && window_.may_return(host)) {
    const base::Result<Spill::Line> line = window_.take_back(host);
    if (!line) {
      error_ = line.error().what;
      return;
    }
    const base::Result<http::Url> url = http::parse_url(line->text);
    CHECK(url.has_value());  // It was one when it went to disk.
    enter({.index = line->index, .given = line->text}, *url, host, now);
  }
}

// ---- Running.

Sweep::Flight& Sweep::flight() {
  if (unused_.empty()) {
    flights_.push_back(std::make_unique<Flight>());
    unused_.push_back(flights_.back().get());
  }
  Flight& out = *unused_.back();
  unused_.pop_back();
  return out;
}

void Sweep::run(const MemoryQueue::Run& next, base::Time) {
  Flight& starting = flight();
  const Carried carried = decode(next.body, starting.url);
  starting.receipt = next.receipt;
  starting.index = carried.index;
  starting.redirects = carried.redirects;
  starting.foreign = carried.foreign;
  starting.given = carried.given;
  starting.host = &window_.host(starting.url.authority());
  window_.started(*starting.host, next.receipt.number);
  ++in_flight_;
  ++requests_;
  if (crew_ == nullptr) return send(starting);
  crew_->run(starting.given, [this, &starting, gone = gone_](Result&& result) {
    loop_.post([this, &starting, gone, result = std::move(result)]() mutable {
      if (!*gone) worked(starting, std::move(result));
    });
  });
}

void Sweep::send(Flight& starting) {
  http::Outgoing outgoing;
  outgoing.url = &starting.url;
  if (!starting.foreign) outgoing.fields = fields_;
  outgoing.timeout = options_.terms.timeout;
  outgoing.body_bytes_max = options_.body_bytes_max;
  if (options_.open_body) outgoing.on_body = options_.open_body(starting.index, starting.given);
  courier_->send(outgoing, {},
                 [this, &starting](Courier::Trip&& trip) { arrived(starting, std::move(trip)); });
}

void Sweep::worked(Flight& ended, Result&& result) {
  --in_flight_;
  if (stopped_) return;
  end(ended, std::move(result), clock_.now());
  pump(kLinesBehindOne);
}

void Sweep::arrived(Flight& ended, Courier::Trip&& trip) {
  --in_flight_;
  if (stopped_) return;
  const base::Time now = clock_.now();
  const http::Response& response = trip.response;
  Result result;
  result.status_code = response.status;
  result.bytes_read = response.body_bytes;
  result.elapsed = response.phases.total;
  if (response.failure == http::Failure::kNone && response.status != 0) ended.host->trouble = {};
  if (trip.judgement.outcome == dispatch::Outcome::kDone) {
    result.ok = true;
    end(ended, std::move(result), now);
  } else if (!redirected(ended, response, result, now)) {
    const bool is_status = response.failure == http::Failure::kNone && response.status != 0;
    if (result.error.empty()) result.error = (is_status ? "status " : "") + trip.judgement.reason;
    if (response.failure == http::Failure::kCancelled)  // Whoever takes the body wants no more.
      end(ended, std::move(result), now);
    else if (trip.judgement.outcome == dispatch::Outcome::kGoesBack)
      go_back(ended, std::move(result), now);
    else if (trip.judgement.outcome == dispatch::Outcome::kDead)
      end(ended, std::move(result), now);
    else
      failed(ended, std::move(result), now);
  }
  pump(kLinesBehindOne);
}

// True: another request goes on. Else, if it was a redirect that leads nowhere, `result` says why.
bool Sweep::redirected(Flight& ended, const http::Response& response, Result& result,
                       base::Time now) {
  const int status = response.status;
  const bool redirects =
      status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  if (!redirects || options_.terms.redirects == 0 || response.location.empty() ||
      response.failure != http::Failure::kNone) {
    return false;
  }
  if (ended.redirects >= options_.terms.redirects) {
    result.error = "more than " + std::to_string(options_.terms.redirects) + " redirects";
    return false;
  }
  const base::Result<http::Url> next = http::resolve_url(ended.url, response.location);
  if (!next) {
    result.error = "redirected to what cannot be fetched: " + next.error().what;
    return false;
  }
  if (ended.url.tls && !next->tls) {
    result.error = "redirected from https to http";
    return false;
  }
  Host& to = window_.host(next->authority());
  if (!to.given_up.empty()) {
    result.error = "redirected: " + to.given_up;
    return false;
  }
  const Carried carried{.index = ended.index,
                        .redirects = ended.redirects + 1,
                        .foreign = ended.foreign || next->origin() != ended.url.origin(),
                        .given = ended.given};
  encode(carried, *next, body_);
  const queue::Number number = queue_->add(to.name, body_, now);
  window_.enter(to, number);
  if (const auto past = past_.find(ended.receipt.number); past != past_.end()) {
    Past moved = past->second;
    moved.host = &to;
    past_.erase(past);
    past_.emplace(number, moved);
  }
  queue_->done(ended.receipt, now);
  Host& from = *ended.host;
  window_.left(from);
  refill(from, now);
  window_.forget_if_idle(from);
  unused_.push_back(&ended);
  return true;
}

Sweep::Past& Sweep::past_of(const Flight& ended, base::Time now) {
  Past& past = past_[ended.receipt.number];
  past.host = ended.host;
  if (past.first == base::Time{}) past.first = now;
  return past;
}

// The host is blocked (dispatch/hosts.h), and that is what holds it back.
void Sweep::go_back(Flight& ended, Result&& result, base::Time now) {
  const Past& past = past_of(ended, now);
  if (has_given_up(*ended.host, result.error, now)) {
    result.error = ended.host->given_up;
    return end(ended, std::move(result), now);
  }
  if (now - past.first >= options_.give_up) {
    result.error += ", for " + seconds(now - past.first);
    return end(ended, std::move(result), now);
  }
  queue_->back(ended.receipt, now);
  unused_.push_back(&ended);
}

void Sweep::failed(Flight& ended, Result&& result, base::Time now) {
  const int status = result.status_code;
  const bool lost = status == 0 && has_given_up(*ended.host, result.error, now);
  if (lost || !(status == 0 || status == 408 || status >= 500) || options_.terms.retries == 0)
    return end(ended, std::move(result), now);
  Past& past = past_of(ended, now);
  if (++past.failures > options_.terms.retries) return end(ended, std::move(result), now);
  queue_->again(ended.receipt, now);
  unused_.push_back(&ended);
}

// ---- Out.

void Sweep::end(Flight& ended, Result&& result, base::Time now) {
  queue_->done(ended.receipt, now);
  past_.erase(ended.receipt.number);
  Host& host = *ended.host;
  window_.left(host);
  result.url = std::move(ended.given);
  finish(ended.index, host.name, std::move(result));
  unused_.push_back(&ended);
  if (stopped_) return;
  refill(host, now);
  window_.forget_if_idle(host);
}

void Sweep::finish(uint64_t index, std::string_view host, Result&& result) {
  ++finished_;
  on_finished_({index, host, std::move(result)});
}

void Sweep::refuse(uint64_t index, std::string_view given, std::string_view host,
                   std::string error) {
  Result result;
  result.url = given;
  result.error = std::move(error);
  finish(index, host, std::move(result));
}

// ---- Hosts that do not answer.

bool Sweep::has_given_up(Host& host, const std::string& last, base::Time now) {
  if (!host.given_up.empty()) return true;
  if (host.trouble == base::Time{}) host.trouble = now;
  const base::Time until = std::max(now, hosts_->row(host.name, now).blocked_until);
  if (until - host.trouble < options_.give_up) return false;
  host.given_up = "host given up after " + seconds(now - host.trouble) + ": " + last;
  host.ending = true;
  lost_.push_back(&host);
  return true;
}

void Sweep::end_waiting(Host& host, queue::Number number, base::Time now) {
  const std::optional<std::string> body = queue_->take_out(number, now);
  if (!body) return;
  http::Url url;
  const Carried carried = decode(*body, url);
  past_.erase(number);
  window_.left(host);
  refuse(carried.index, carried.given, host.name, host.given_up);
}

// All that waits, in hand and on disk; what is in flight ends by itself.
void Sweep::end_all(Host& host, base::Time now) {
  std::vector<queue::Number> numbers(host.numbers.begin() + static_cast<std::ptrdiff_t>(host.first),
                                     host.numbers.end());
  for (const auto& [number, past] : past_) {
    if (past.host == &host) numbers.push_back(number);
  }
  host.numbers.clear();
  host.first = 0;
  for (const queue::Number number : numbers) {
    if (stopped_) return;
    end_waiting(host, number, now);
  }
  while (host.spilled != nullptr && !stopped_) {
    const base::Result<Spill::Line> line = window_.take_back(host);
    if (!line) {
      error_ = line.error().what;
      break;
    }
    refuse(line->index, line->text, host.name, host.given_up);
  }
  host.ending = false;
  window_.forget_if_idle(host);
}

}  // namespace fetch

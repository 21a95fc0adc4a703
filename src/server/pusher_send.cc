// What is sent, and what the shards are told of it.
#include <map>
#include <utility>

#include "engine/id.h"
#include "engine/record.h"
#include "http/url.h"
#include "io/clock.h"
#include "io/log.h"
#include "server/pusher.h"

namespace server {
namespace {

// Of an answer: nobody reads its body, so it is small or a mistake.
constexpr uint64_t kAnswerBytesMax = uint64_t{1} << 20;

// As long as a reason may be, and whole characters.
void cut(std::string& reason) {
  if (reason.size() <= queue::kReasonBytesMax) return;
  size_t end = queue::kReasonBytesMax;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0) == 0x80) --end;
  reason.resize(end);
}

}  // namespace

struct Pusher::Settling {
  std::vector<Ended> ended;
  std::map<uint32_t, std::vector<engine::Receipt>> done;  // By shard.
};

void Pusher::send(const std::shared_ptr<const Terms>& terms, engine::Delivery& delivery) {
  const engine::Receipt receipt{terms->shard, delivery.number, delivery.attempt, delivery.start};
  const base::Time now = common_.clock.now();
  if (delivery.lease_until - now < terms->push.timeout) {  // Its body was long in coming.
    return end(receipt, dispatch::Outcome::kGoesBack, {});
  }
  const InFlight flight =
      flights_.insert(flights_.end(), {terms, receipt, std::move(delivery.record)});
  const base::Status sent = send_message(flight, now);
  if (sent) return;
  end(receipt, dispatch::Outcome::kDead, sent.error().what);
  flights_.erase(flight);
}

base::Status Pusher::send_message(InFlight flight, base::Time now) {
  const Terms& terms = *flight->terms;
  const base::Result<engine::Stored> message = engine::decode_message(flight->record);
  if (!message) return message.error();
  const auto id = engine::spell(engine::MessageId{terms.shard, flight->receipt.number});
  const base::Result<dispatch::Parcel> parcel =
      dispatch::wrap(*message, terms.push,
                     {.queue = terms.queue,
                      .id = id,
                      .attempt = flight->receipt.attempt,
                      .unix_seconds = base::nanoseconds(io::wall_clock()) / 1'000'000'000,
                      .signer = terms.signer ? &*terms.signer : nullptr});
  if (!parcel) return parcel.error();
  const base::Result<http::Url> url = http::parse_url(parcel->url);
  if (!url) return url.error();
  std::vector<http::Field> fields;
  for (const auto& [name, value] : parcel->fields) fields.push_back({name, value});
  http::Outgoing outgoing;
  outgoing.method = parcel->method;
  outgoing.url = &*url;
  outgoing.fields = fields;
  outgoing.body = parcel->body;
  outgoing.timeout = terms.push.timeout;
  outgoing.body_bytes_max = kAnswerBytesMax;
  outgoing.decompress = false;
  outgoing.redirects_max = terms.push.redirects;
  outgoing.strict_redirects = true;  // Another host has caps of its own; a GET delivers nothing.
  courier().send(outgoing, now - message->enqueued,
                 [this, flight](fetch::Courier::Trip&& trip) { arrived(flight, std::move(trip)); });
  return {};
}

void Pusher::arrived(InFlight flight, fetch::Courier::Trip&& trip) {
  end(flight->receipt, trip.judgement.outcome, std::move(trip.judgement.reason));
  flights_.erase(flight);
}

fetch::Courier& Pusher::courier() {
  if (courier_ == nullptr) {
    http::ClientOptions options = common_.client;
    options.on_report = [this](std::string_view host, std::string_view range) {
      if (!reports_.one_more(common_.clock.now())) return;
      io::log(io::Level::kWarning, "the guard would refuse a push",
              {{"host", std::string(host)}, {"range", std::string(range)}});
    };
    courier_ =
        std::make_unique<fetch::Courier>(loop_, common_.clock, common_.hosts, std::move(options));
  }
  return *courier_;
}

// All outcomes of one round are one run.
void Pusher::end(const engine::Receipt& receipt, dispatch::Outcome outcome, std::string reason) {
  if (ended_.empty()) loop_.poll().defer([this] { settle(); });
  cut(reason);
  ended_.push_back({receipt, outcome, std::move(reason)});
}

// A request that fails (the shard has stopped, or has no room for the record) leaves its messages
// to their leases' end.
void Pusher::settle() {
  const auto settling = std::make_shared<Settling>();  // The run keeps it.
  settling->ended = std::exchange(ended_, {});
  auto run = std::make_unique<engine::Run>();
  run->keep.push_back(settling);
  const auto add = [&](uint32_t shard, engine::Request::What what) {
    engine::Request& request = run->requests.emplace_back();
    request.what = std::move(what);
    request.shard = shard;
    request.connection = connection_;
  };
  for (const Ended& each : settling->ended) {
    const engine::Receipt& receipt = each.receipt;
    switch (each.outcome) {
      case dispatch::Outcome::kDone:
        settling->done[receipt.shard].push_back(receipt);
        break;
      case dispatch::Outcome::kGoesBack:
        add(receipt.shard, engine::Requeue{.receipt = receipt});
        break;
      case dispatch::Outcome::kFailed:
      case dispatch::Outcome::kDead:
        add(receipt.shard, engine::Nack{.receipt = receipt,
                                        .delay = {},
                                        .reason = each.reason,
                                        .dead = each.outcome == dispatch::Outcome::kDead});
        break;
    }
  }
  for (const auto& [shard, receipts] : settling->done) {
    add(shard, engine::Ack{.receipts = receipts, .done = {}});
  }
  submit(std::move(run), [](engine::Run&) {});
  if (full_ && flights_.size() < kInFlightMax) {
    full_ = false;
    ask_all();
  }
}

}  // namespace server

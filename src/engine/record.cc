#include "engine/record.h"

#include <array>

#include "engine/bytes.h"

namespace engine {
namespace {

base::Error broken(std::string_view kind) {
  return {base::Code::kIo, "the record of a " + std::string(kind) + " cannot be read", {}};
}

void put_settings(PutBytes& put, const queue::Settings& s) {
  put.span(s.lease).number(s.attempts).span(s.backoff.base).number(s.backoff.factor_milli);
  put.span(s.backoff.max).number(s.backoff.jitter_ppm).number(s.in_flight_per_key);
  put.number(s.durability).span(s.ttl).span(s.dedup_window).text(s.decide.domain);
  put.number(static_cast<uint32_t>(s.decide.descriptors.size()));
  for (const std::string& descriptor : s.decide.descriptors) put.text(descriptor);
  put.span(s.dead_keep).number(static_cast<uint8_t>(s.dead_expired));
  put.number(static_cast<uint32_t>(s.weights.size()));
  for (const auto& [key, weight] : s.weights) put.text(key).number(weight);
  put.number(s.messages_max).number(s.bytes_max);
  put.number(static_cast<uint8_t>(s.paused_in)).number(static_cast<uint8_t>(s.paused_out));
  if (s.push == queue::Push{}) return;  // As records were before there were pushes.
  put.text(s.push.url).text(s.push.method).span(s.push.timeout).number(s.push.redirects);
  put.text(s.push.signing_secret_env);
}

void get_settings(GetBytes& get, queue::Settings& s) {
  s.lease = get.span();
  s.attempts = get.number<uint16_t>();
  s.backoff.base = get.span();
  s.backoff.factor_milli = get.number<int64_t>();
  s.backoff.max = get.span();
  s.backoff.jitter_ppm = get.number<int64_t>();
  s.in_flight_per_key = get.number<uint32_t>();
  s.durability = get.number<queue::Durability>();
  s.ttl = get.span();
  s.dedup_window = get.span();
  s.decide.domain = get.text();
  for (uint32_t n = get.number<uint32_t>(); n > 0 && get.ok(); --n)
    s.decide.descriptors.emplace_back(get.text());
  s.dead_keep = get.span();
  s.dead_expired = get.number<uint8_t>() != 0;
  for (uint32_t n = get.number<uint32_t>(); n > 0 && get.ok(); --n) {
    std::string key(get.text());
    s.weights.emplace_back(std::move(key), get.number<uint32_t>());
  }
  s.messages_max = get.number<uint64_t>();
  s.bytes_max = get.number<uint64_t>();
  s.paused_in = get.number<uint8_t>() != 0;
  s.paused_out = get.number<uint8_t>() != 0;
  if (get.rest().empty()) return;
  s.push.url = get.text();
  s.push.method = get.text();
  s.push.timeout = get.span();
  s.push.redirects = get.number<uint16_t>();
  s.push.signing_secret_env = get.text();
}

}  // namespace

std::string_view to_string(Cause cause) {
  static constexpr std::array<std::string_view, 14> kNames = {"none",
                                                              "leased",
                                                              "extended",
                                                              "nacked",
                                                              "requeued",
                                                              "lease over",
                                                              "connection closed",
                                                              "redriven",
                                                              "attempts used up",
                                                              "nacked dead",
                                                              "expired",
                                                              "acked",
                                                              "removed",
                                                              "kept long enough"};
  const auto i = static_cast<size_t>(cause);
  return i < kNames.size() ? kNames[i] : "unknown";
}

void encode_message(const Stored& message, std::string& head) {
  head.clear();
  PutBytes put(head);
  put.number(message.queue).number(message.number);
  put.time(message.enqueued).time(message.due).time(message.expires);
  put.number(message.priority).number(message.attempts).number(message.cost);
  put.number(message.dedup.low).number(message.dedup.high).time(message.dedup_until);
  put.text(message.descriptors).text(message.key);
  put.number(static_cast<uint16_t>(message.headers.size()));
  for (const Header& header : message.headers) put.text(header.name).text(header.value);
}

base::Result<Stored> decode_message(std::string_view record) {
  GetBytes get(record);
  Stored message;
  message.queue = get.number<queue::QueueId>();
  message.number = get.number<queue::Number>();
  message.enqueued = get.time();
  message.due = get.time();
  message.expires = get.time();
  message.priority = get.number<uint32_t>();
  message.attempts = get.number<uint16_t>();
  message.cost = get.number<int64_t>();
  message.dedup.low = get.number<uint64_t>();
  message.dedup.high = get.number<uint64_t>();
  message.dedup_until = get.time();
  message.descriptors = get.text();
  message.key = get.text();
  for (uint16_t n = get.number<uint16_t>(); n > 0 && get.ok(); --n) {
    const std::string_view name = get.text();
    message.headers.push_back({name, get.text()});
  }
  if (!get.ok()) return broken("message");
  message.body = get.rest();
  return message;
}

std::string_view encode_move(const Move& move, std::string& to) {
  to.clear();
  PutBytes put(to);
  put.number(move.number).number(move.to.state).number(move.cause).time(move.to.at);
  put.number(move.to.delivered).number(move.to.failed).number(move.to.start);
  to.append(move.reason);
  return to;
}

base::Result<Move> decode_move(std::string_view record) {
  GetBytes get(record);
  Move move;
  move.number = get.number<queue::Number>();
  move.to.state = get.number<queue::State>();
  move.cause = get.number<Cause>();
  move.to.at = get.time();
  move.to.delivered = get.number<uint16_t>();
  move.to.failed = get.number<uint16_t>();
  move.to.start = get.number<uint32_t>();
  if (!get.ok() || move.to.state > queue::State::kDead) return broken("move");
  move.reason = get.rest();
  return move;
}

std::string_view encode_done(const Done& done, std::string& to) {
  to.clear();
  PutBytes(to).number(done.number).number(done.cause);
  return to;
}

base::Result<Done> decode_done(std::string_view record) {
  GetBytes get(record);
  Done done;
  done.number = get.number<queue::Number>();
  done.cause = get.number<Cause>();
  if (!get.whole()) return broken("message's end");
  return done;
}

std::string encode_queue(const QueueRecord& queue) {
  std::string to;
  PutBytes put(to);
  put.number(queue.id).text(queue.name);
  put_settings(put, queue.settings);
  return to;
}

base::Result<QueueRecord> decode_queue(std::string_view record) {
  GetBytes get(record);
  QueueRecord queue;
  queue.id = get.number<queue::QueueId>();
  queue.name = get.text();
  get_settings(get, queue.settings);
  if (!get.whole() || queue.settings.durability > queue::Durability::kMemory)
    return broken("queue");
  return queue;
}

std::string encode_redrive(const RedriveRecord& redrive) {
  std::string to;
  PutBytes(to)
      .number(redrive.id)
      .number(redrive.left)
      .number(redrive.rate.count)
      .span(redrive.rate.period)
      .time(redrive.next);
  return to;
}

base::Result<RedriveRecord> decode_redrive(std::string_view record) {
  GetBytes get(record);
  RedriveRecord redrive;
  redrive.id = get.number<queue::QueueId>();
  redrive.left = get.number<uint64_t>();
  redrive.rate.count = get.number<int64_t>();
  redrive.rate.period = get.span();
  redrive.next = get.time();
  if (!get.whole()) return broken("redrive");
  return redrive;
}

std::string encode_queue_id(queue::QueueId id) {
  std::string to;
  PutBytes(to).number(id);
  return to;
}

base::Result<queue::QueueId> decode_queue_id(std::string_view record) {
  GetBytes get(record);
  const auto id = get.number<queue::QueueId>();
  if (!get.whole()) return broken("queue's end");
  return id;
}

}  // namespace engine

#include "proxy/serving.h"

#include <utility>

#include "base/check.h"
#include "http/writer.h"
#include "proxy/passing.h"

namespace proxy {
namespace {

// Of a body that nobody wants: so much is read, to keep the connection.
constexpr uint64_t kDroppedBytesMax = uint64_t{64} << 10;

constexpr int status_of(UpstreamFailure failure) {
  return failure == UpstreamFailure::kTimeout ? 504 : 502;
}

constexpr std::string_view detail_of(UpstreamFailure failure) {
  switch (failure) {
    case UpstreamFailure::kLookup:
      return "the upstream's name has no address";
    case UpstreamFailure::kConnect:
      return "the upstream cannot be reached";
    case UpstreamFailure::kTimeout:
      return "the upstream did not answer in time";
    case UpstreamFailure::kEnded:
      return "the upstream closed the connection without an answer";
    case UpstreamFailure::kBroken:
      return "the upstream's answer is malformed";
    case UpstreamFailure::kTooLarge:
      return "the upstream's answer is too large";
  }
  return {};
}

}  // namespace

void Conversation::Body::notify() {
  if (!feeding && on_ready) on_ready();
}

void Conversation::Body::read_body(size_t bytes_max, std::function<void(std::string_view)> read) {
  CHECK(body_use == Use::kHold);
  const auto self = shared_from_this();
  body_use = Use::kCollect;
  collect_max = bytes_max;
  collected.clear();
  if (body.done()) return read({});
  if (body.sized() && body.left() > bytes_max) {
    give_up(413, "the body is too large");
    return notify();
  }
  on_collected = std::move(read);
  since = common.clock.now();
  go_on_if_expected();
  notify();
}

void Conversation::Body::answer(http::Answer&& answer) {
  CHECK(body_use != Use::kStream);
  const auto self = shared_from_this();
  write(std::move(answer), can_keep());
  finish();
  notify();
}

void Conversation::Body::pass(const Way& to, std::string_view client_address) {
  CHECK(body_use == Use::kHold);
  const auto self = shared_from_this();
  if (body.sized() && body.left() > to.request_bytes_max) {
    give_up(413, "the body is too large");
    return notify();
  }
  body_use = Use::kStream;
  way = &to;
  client.assign(client_address);
  passed = 0;
  open_link(false);
  if (!body.done()) {
    since = common.clock.now();
    go_on_if_expected();
  }
  if (feeding) return;
  link->flush();
  if (!body.done()) notify();
}

void Conversation::Body::open_link(bool fresh) {
  Upstreams::Body& all = common.upstreams.body();
  Pool& pool = all.pool(way->upstream);
  link = &pool.open({.way = *way, .head = turn->is_head(), .whole = body.done()}, *this, fresh);
  write_request({.head = turn->request(),
                 .peer = peer,
                 .trusted = all.trusted.contains(peer),
                 .client = client,
                 .authority = pool.authority(),
                 .request_id = turn->id()},
                link->request());
}

void Conversation::Body::go_on_if_expected() {
  if (std::exchange(expected, false)) out += "HTTP/1.1 100 Continue\r\n\r\n";
}

// Whether the next request can be found behind this one, at little cost.
bool Conversation::Body::can_keep() const {
  if (!turn->request().keep_alive() || last) return false;
  return body.done() || (!expected && body.sized() && body.left() <= kDroppedBytesMax);
}

void Conversation::Body::write(http::Answer&& answer, bool keep_it) {
  keep = keep_it;
  head_sent = true;
  common.upstreams.body().traffic.answered(answer.status);
  http::write(answer,
              {.request_id = turn->id(),
               .now = common.clock.now(),
               .head = turn->is_head(),
               .close = !keep,
               .keep_alive = keep && turn->request().old},
              out);
}

// The answer is whole.
void Conversation::Body::finish() {
  answered = true;
  turn->leave();
  on_collected = nullptr;
  body_use = Use::kDrop;
  if (!keep || last) {
    closing = true;
  } else if (body.done()) {
    end_turn();
  }
}

void Conversation::Body::end_turn() {
  constexpr size_t kKeptCapacity = size_t{4} << 10;
  serving = begun = false;
  since = common.clock.now();
  if (collected.capacity() > kKeptCapacity) std::string().swap(collected);
}

// The request cannot be served to its end: a problem if its answer has not begun; the connection is
// closed.
void Conversation::Body::give_up(int status, std::string_view detail) {
  if (head_sent) return break_off();
  if (link != nullptr) std::exchange(link, nullptr)->leave();
  write(common.application.problem(status, detail), false);
  finish();
}

void Conversation::Body::break_off() {
  if (link != nullptr) std::exchange(link, nullptr)->leave();
  if (turn) turn->leave();
  on_collected = nullptr;
  body_use = Use::kDrop;
  answered = closing = broken_off = true;
}

void Conversation::Body::on_head(const ResponseHead& head) {
  const bool known =
      head.framing.kind == Framing::Kind::kNone || head.framing.kind == Framing::Kind::kLength;
  const RequestHead& request = turn->request();
  chunk_out = !known && !request.old;
  keep = can_keep() && (known || chunk_out);
  head_sent = true;
  common.upstreams.body().traffic.answered(head.status);
  write_response({.head = head,
                  .request_id = turn->id(),
                  .added = turn->added(),
                  .now = common.clock.now(),
                  .chunked = chunk_out,
                  .close = !keep,
                  .keep_alive = keep && request.old},
                 out);
}

void Conversation::Body::on_piece(std::string_view data) {
  if (chunk_out) append_chunk_head(out, data.size());
  out.append(data);
  if (chunk_out) out += "\r\n";
}

void Conversation::Body::on_progress() {
  const auto self = shared_from_this();
  notify();
  if (link != nullptr && out.size() >= kPieceMax) {
    full = true;
    link->pause();
  }
}

void Conversation::Body::on_end() {
  const auto self = shared_from_this();
  link = nullptr;
  if (chunk_out) out += "0\r\n\r\n";
  finish();
  notify();
}

void Conversation::Body::on_failure(UpstreamFailure failure, bool stale) {
  const auto self = shared_from_this();
  link = nullptr;
  const bool whole = turn->request().framing.kind == Framing::Kind::kNone;
  if (stale && whole && turn->idempotent()) return open_link(true);
  if (stale) common.upstreams.body().traffic.failed(failure);
  if (head_sent) {
    break_off();
  } else {
    write(common.application.problem(status_of(failure), detail_of(failure)), can_keep());
    finish();
  }
  notify();
}

}  // namespace proxy

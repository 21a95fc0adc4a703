#include "proxy/conversation.h"

#include <utility>

#include "http/request_id.h"
#include "http/writer.h"
#include "proxy/passing.h"
#include "proxy/serving.h"

namespace proxy {

Conversation::Conversation(Common common, io::Ip peer, std::function<void()> on_ready)
    : body_(std::make_shared<Body>(common, peer, std::move(on_ready))) {}
Conversation::~Conversation() { body_->die(); }

size_t Conversation::feed(std::string_view bytes) { return body_->feed(bytes); }
std::string& Conversation::out() { return body_->out; }
bool Conversation::waiting() const { return body_->serving && !body_->answered; }
bool Conversation::closing() const { return body_->closing; }
bool Conversation::more() const { return body_->full && !body_->closing; }
base::Time Conversation::deadline() const { return body_->deadline(); }
void Conversation::expire() { body_->expire(); }
void Conversation::hang_up() { body_->hang_up(); }

void Conversation::last_answer() {
  body_->last = true;
  if (!waiting()) body_->closing = true;
}

void Conversation::rest() {
  if (!body_->serving) body_->turn.reset();
}

Conversation::Body::Body(Common common_in, io::Ip peer_in, std::function<void()> on_ready_in)
    : common(common_in), peer(peer_in), on_ready(std::move(on_ready_in)) {
  since = common.clock.now();
}

void Conversation::Body::die() {
  on_ready = nullptr;
  break_off();
}

size_t Conversation::Body::feed(std::string_view bytes) {
  feeding = true;
  now = common.clock.now();
  if (full && out.empty()) {
    full = false;
    if (link != nullptr) link->resume();
  }
  size_t used = 0;
  for (bool again = true; again;) {
    while (!closing) {
      const std::string_view rest = bytes.substr(used);
      const size_t taken = serving ? take_body(rest) : take_head(rest);
      if (taken == 0) break;
      used += taken;
    }
    // What stopped at a full link goes on here if the socket takes it all: the link will not tell.
    again = link_is_full();
    if (link != nullptr) link->flush();
    again = again && !link_is_full();
  }
  feeding = false;
  return used;
}

size_t Conversation::Body::take_head(std::string_view bytes) {
  if (bytes.empty()) return 0;
  if (!begun && bytes[0] == '\r') {  // Empty lines before a request are passed over.
    if (bytes.size() == 1) return 0;
    if (bytes[1] == '\n') return 2;
  }
  if (out.size() >= kPieceMax) {
    full = true;
    return 0;
  }
  if (!std::exchange(begun, true)) since = now;
  const size_t bound = common.options.header_bytes_max;
  const size_t size = find_head_end(bytes, searched);
  if (std::min(size, bytes.size()) > bound) {
    refuse({431, "the header is too large"});
    return 0;
  }
  if (size == bytes.npos) {
    searched = bytes.size();
    if (searched < 2 * judged) return 0;  // Judged again and again it would cost its square.
    judged = searched;
    if (hopeless(bytes)) refuse({400, "the request is malformed"});
    return 0;
  }
  searched = judged = 0;
  begin_turn(bytes.substr(0, size));
  return size;
}

void Conversation::Body::begin_turn(std::string_view text) {
  if (!turn || turn.use_count() > 1) turn = std::make_shared<Turn>();
  if (const auto refusal = turn->begin(text, peer)) return refuse(*refusal);
  const RequestHead& request = turn->request();
  serving = true;
  answered = head_sent = chunk_out = false;
  expected = request.expects;
  body_use = Use::kHold;
  body.begin(request.framing);
  if (body.done()) expected = false;
  since = now;
  turn->serve(*this, common.ids);
  common.application.on_request(turn);
}

size_t Conversation::Body::take_body(std::string_view bytes) {
  if (bytes.empty() || body.done() || body_use == Use::kHold) return 0;
  if (body_use == Use::kStream && link_is_full()) return 0;
  since = now;
  expected = false;
  const BodyReader::Piece piece = body.take(bytes.substr(0, kPieceMax));
  if (body.broken()) {
    give_up(400, "a chunk is malformed");
    return 0;
  }
  if (!piece.data.empty()) use(piece.data);
  if (!closing && body.done()) body_is_whole();
  return piece.used;
}

void Conversation::Body::use(std::string_view data) {
  switch (body_use) {
    case Use::kCollect:
      if (data.size() > collect_max - collected.size()) {
        return give_up(413, "the body is too large");
      }
      collected.append(data);
      return;
    case Use::kStream: {
      passed += data.size();
      if (passed > way->request_bytes_max) return give_up(413, "the body is too large");
      const bool chunked = turn->request().fields.chunked;
      std::string& to = link->request();
      if (chunked) append_chunk_head(to, data.size());
      to.append(data);
      if (chunked) to.append("\r\n");
      return;
    }
    default:
      return;
  }
}

void Conversation::Body::body_is_whole() {
  if (answered) return end_turn();
  if (body_use == Use::kStream) {
    if (turn->request().fields.chunked) link->request().append("0\r\n\r\n");
    link->request_is_whole();
  } else if (body_use == Use::kCollect) {
    const auto read = std::exchange(on_collected, nullptr);
    read(collected);
  }
}

// What cannot be read is answered, and the connection with it closed.
void Conversation::Body::refuse(const http::Refusal& refusal) {
  std::string id;
  http::name_request({}, common.ids, id);
  http::write(common.application.problem(refusal.status, refusal.detail),
              {.request_id = id, .now = common.clock.now(), .close = true}, out);
  common.upstreams.body().traffic.answered(refusal.status);
  closing = true;
}

base::Time Conversation::Body::deadline() const {
  if (broken_off) return base::Time::min();
  if (closing) return base::Time::max();
  const Options& options = common.options;
  if (!serving) return since + (begun ? options.request_timeout : options.idle_timeout);
  const bool to_come = !body.done() && body_use != Use::kHold && !link_is_full();
  return to_come ? since + options.request_timeout : base::Time::max();
}

void Conversation::Body::expire() {
  if (closing) return;
  if (serving && !answered) return give_up(408, "the body took too long to arrive");
  if (!serving && begun) return refuse({408, "the request took too long to arrive"});
  closing = true;
}

void Conversation::Body::hang_up() {
  last = true;
  if (!serving || answered) return;
  if (!body.done()) break_off();  // The rest of it will never come.
}

}  // namespace proxy

#include "http/connection.h"

#include <algorithm>

#include "base/check.h"
#include "http/writer.h"

namespace http {
namespace {

constexpr size_t kIdBytesMax = 128;

bool usable_id(std::string_view id) {
  return !id.empty() && id.size() <= kIdBytesMax &&
         std::ranges::all_of(id, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

Connection::Connection(const ConnectionOptions& options, Application& application,
                       base::Random& ids, base::Time now)
    : options_(options),
      application_(application),
      ids_(ids),
      reader_(options.reader),
      since_(now) {}

size_t Connection::feed(std::string_view bytes, base::Time now) {
  size_t used = 0;
  more_ = false;
  while (used < bytes.size() && !owed_ && !closing_) {
    if (out_.size() >= options_.out_bytes_max) {
      more_ = true;
      break;
    }
    if (!reader_.begun()) since_ = now;
    const Reader::Found found = reader_.step(bytes.substr(used));
    used += reader_.consumed();
    if (found == Reader::Found::kMore) break;
    if (found == Reader::Found::kContinue) {
      out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    } else if (found == Reader::Found::kRefused) {
      refuse(reader_.refusal(), now);
    } else {
      ask(now);
    }
  }
  return used;
}

void Connection::ask(base::Time now) {
  Request request = reader_.request();
  name_request(request.request_id);
  request.request_id = request_id_;
  owed_ = true;
  since_ = now;
  application_.on_request(request);
}

void Connection::answer(Answer&& answer, base::Time now) {
  CHECK(owed_);
  owed_ = false;
  since_ = now;
  const bool keep = reader_.keep_alive() && !last_;
  write(answer,
        {.request_id = request_id_,
         .now = now,
         .head = reader_.head(),
         .close = !keep,
         .keep_alive = keep && reader_.http_1_0()},
        out_);
  closing_ = !keep;
  reader_.next();
}

void Connection::refuse(const Refusal& refusal, base::Time now) {
  name_request({});
  write(application_.refused(refusal),
        {.request_id = request_id_, .now = now, .head = reader_.head(), .close = true}, out_);
  closing_ = true;
}

// An id is for finding a request again in logs; it is no secret.
void Connection::name_request(std::string_view received) {
  if (usable_id(received)) {
    request_id_ = received;
    return;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  request_id_.resize(16);
  uint64_t bits = ids_.next();
  for (char& digit : request_id_) {
    digit = kHex[bits & 15];
    bits >>= 4;
  }
}

base::Time Connection::deadline() const {
  if (owed_ || closing_) return base::Time::max();
  return since_ + (reader_.begun() ? options_.request_timeout : options_.idle_timeout);
}

void Connection::expire(base::Time now) {
  if (reader_.begun()) refuse({408, "the request took too long to arrive"}, now);
  closing_ = true;
}

void Connection::last_answer() {
  last_ = true;
  if (!owed_) closing_ = true;
}

}  // namespace http

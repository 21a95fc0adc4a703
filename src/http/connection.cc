#include "http/connection.h"

#include "base/check.h"
#include "http/request_id.h"
#include "http/writer.h"

namespace http {

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
  name_request(request.request_id, ids_, request_id_);
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
  name_request({}, ids_, request_id_);
  write(application_.refused(refusal),
        {.request_id = request_id_, .now = now, .head = reader_.head(), .close = true}, out_);
  closing_ = true;
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

// POST /compute_hash, once the limit step has let it through: the text of the body, its hash.
#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "gateway/json_reader.h"
#include "gateway/problem.h"
#include "gateway/site_body.h"
#include "gateway/text.h"

namespace gateway {
namespace {

constexpr uint64_t kHashBytesMax = uint64_t{1} << 20;  // It is parsed on the loop's thread.

using Fields = std::vector<std::pair<std::string_view, std::string>>;

// Of a body {"data": "text"}.
struct Wanted {
  bool is_record = false, has_data = false, is_text = false;
  std::string text{};
};

class DataListener : public JsonListener {
 public:
  explicit DataListener(Wanted& wanted) : wanted_(wanted) {}

  bool on_object_begin(Fault&) {
    if (depth_ == 0) wanted_.is_record = true;
    return open();
  }
  bool on_object_end(size_t, Fault&) { return close(); }
  bool on_array_begin(Fault&) { return open(); }
  bool on_array_end(size_t, Fault&) { return close(); }
  bool on_key_part(Text part, size_t total, Fault&) {
    gather(key_, part, total);
    return true;
  }
  bool on_key(Text part, size_t total, Fault&) {
    gather(key_, part, total);
    is_data_ = depth_ == 1 && wanted_.is_record && key_ == "data";
    wanted_.has_data |= is_data_;
    wanted_.is_text &= !is_data_;  // Of two the last one counts.
    return true;
  }
  bool on_string_part(Text part, size_t total, Fault&) {
    if (is_data_) gather(wanted_.text, part, total);
    return true;
  }
  bool on_string(Text part, size_t total, Fault&) {
    if (!is_data_) return true;
    gather(wanted_.text, part, total);
    wanted_.is_text = true;
    is_data_ = false;
    return true;
  }

 private:
  bool open() {
    ++depth_;
    is_data_ = false;
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }

  Wanted& wanted_;
  size_t depth_ = 0;
  bool is_data_ = false;  // The value that comes.
  std::string key_;
};

// kInvalid.
base::Result<std::string> read_data(std::string_view body) {
  Wanted wanted;
  if (!read_json(body, DataListener(wanted))) return base::invalid("the body is no JSON");
  if (!wanted.is_record) return base::invalid("the body must be an object", "data");
  if (!wanted.has_data) return base::invalid("data is missing", "data");
  if (!wanted.is_text) return base::invalid("data must be a text", "data");
  return std::move(wanted.text);
}

http::Answer hash_answer(const base::Result<HashShop::Made>& made) {
  if (!made) return problem_answer({.status = 503, .detail = made.error().what, .code = "FULL"});
  http::Answer answer;
  answer.body.reserve(112);
  answer.body.append("{\"hash\": \"");
  append_hex(made->hash, answer.body);
  answer.body.append("\", \"cached\": ").append(made->cached ? "true}" : "false}");
  return answer;
}

void answer_with(proxy::Exchange& exchange, http::Answer&& answer, Fields&& fields) {
  std::ranges::move(fields, std::back_inserter(answer.headers));
  exchange.answer(std::move(answer));
}

}  // namespace

bool Site::Body::fits_hash(proxy::Exchange& exchange, const Routes::Row& row,
                           std::string_view path) const {
  if (path != row.path) {
    exchange.answer(problem_answer({.status = 404, .detail = "no route leads there"}));
    return false;
  }
  if (exchange.head().method != "POST") {
    exchange.answer(wrong_method_answer("POST"));
    return false;
  }
  return true;
}

void Site::Body::compute_hash(const SharedExchange& exchange, const Routes::Row& row,
                              Decision&& decision) {
  Fields made;
  append_fields(std::move(decision), made);
  // Called once, so what it holds may be moved on.
  auto read = [this, here = weak_from_this(), weak = std::weak_ptr(exchange),
               fields = std::move(made)](std::string_view body) mutable {
    SharedExchange answered = weak.lock();
    if (here.expired() || answered == nullptr) return;
    const base::Result<std::string> data = read_data(body);
    if (!data) return answer_with(*answered, error_answer(data.error()), std::move(fields));
    hashes.get(*data, [answered = std::move(answered), fields = std::move(fields)](
                          const base::Result<HashShop::Made>& hash) mutable {
      answer_with(*answered, hash_answer(hash), std::move(fields));
    });
  };
  exchange->read_body(std::min(row.route->request_bytes_max, kHashBytesMax), std::move(read));
}

}  // namespace gateway

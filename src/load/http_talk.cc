// Our own server over HTTP, and any other server's paths.
#include <array>

#include "load/http_answer.h"
#include "load/message_json.h"
#include "load/talk.h"

namespace load {
namespace {

struct Request {
  std::string method, path, content;
};

std::string durability_json(Durability durability) {
  return "{\"durability\":\"" + std::string(kDurabilityNames[static_cast<size_t>(durability)]) +
         "\"}";
}

std::string option(const std::string& name, uint64_t value) {
  return value > 0 ? ",\"" + name + "\":" + std::to_string(value) : "";
}

class HttpTalk final : public Talk {
 public:
  explicit HttpTalk(const Work& work) : work_(work) {
    for (size_t i = 0; i < kVerbs; ++i) {
      const auto verb = static_cast<Verb>(i);
      if (verb == Verb::kAck || !can(Wire::kHttp, verb)) continue;
      stencils_[i] = Stencil(spell(request_of(verb)), work.spelling);
    }
  }

  base::Result<Greeting> greet(std::string_view in, std::string& out, bool first) override {
    if (!first || !work_.durability) return Greeting{};
    const uint64_t queues = work_.spelling.queues;
    for (; asked_ < queues; ++asked_) {
      out += spell({"PUT", "/v1/queues/" + work_.spelling.queue_name(asked_),
                    durability_json(*work_.durability)});
    }
    Greeting greeting;
    while (prepared_ < queues) {
      const auto found = read_http_answer(in.substr(greeting.used), chunks_);
      if (!found) return found.error();
      if (!*found) break;
      if ((*found)->status != 204) return base::invalid("--durability: " + text_of(**found));
      greeting.used += (*found)->bytes;
      ++prepared_;
    }
    greeting.done = prepared_ == queues;
    return greeting;
  }

  void put(std::string& out, const Ask& ask) override {
    if (ask.verb != Verb::kAck) {
      stencils_[static_cast<size_t>(ask.verb)].append(out, ask.draw);
      return;
    }
    std::string content = "{\"receipts\":[";
    for (const std::string& receipt : ask.receipts)
      content += (content.back() == '[' ? "\"" : ",\"") + receipt + '"';
    out += spell({"POST", "/v1/ack", content + "]}"});
  }

  base::Result<size_t> take(std::string_view in, Answered& to) override {
    size_t used = 0;
    while (to.owed()) {
      const auto found = read_http_answer(in.substr(used), chunks_);
      if (!found) return found.error();
      if (!*found) break;
      const HttpAnswer& one = **found;
      used += one.bytes;
      if (one.status < 200) continue;  // 100 and its like answer nothing.
      if (const base::Status told = tell(one, to); !told) return told.error();
    }
    return used;
  }

 private:
  Request request_of(Verb verb) const {
    const std::string wait = option("wait_ms", static_cast<uint64_t>(work_.wait_ms));
    switch (verb) {
      case Verb::kPing:
        return {"GET", "/livez", ""};
      case Verb::kCheck:
        return {"POST", "/v1/check",
                "{\"domain\":\"" + work_.domain + "\",\"descriptors\":[[" + entries() + "]]" +
                    wait + "}"};
      case Verb::kEnqueue:
        return {"POST", "/v1/queues/{queue}/messages", message()};
      case Verb::kDequeue:
        return {"POST", "/v1/dequeue",
                "{\"queues\":[\"{queue}\"]" + option("count", work_.count) + wait +
                    option("lease_ms", static_cast<uint64_t>(work_.lease_ms)) + "}"};
      default:
        return {work_.own.method, work_.own.text, work_.own.content};
    }
  }

  // The descriptor's "key=value,key=value" as pairs.
  std::string entries() const {
    std::string out;
    for (size_t at = 0; at < work_.descriptor.size();) {
      const size_t end = std::min(work_.descriptor.find(',', at), work_.descriptor.size());
      const std::string entry = work_.descriptor.substr(at, end - at);
      const size_t equals = std::min(entry.find('='), entry.size());
      if (!out.empty()) out += ',';
      out += "[\"" + entry.substr(0, equals) + "\",\"" +
             entry.substr(std::min(equals + 1, entry.size())) + "\"]";
      at = end + 1;
    }
    return out;
  }

  std::string message() const {
    std::string out = "{\"body\":\"{body}\"";
    if (work_.message_keys) out += ",\"key\":\"{key}\"";
    if (work_.dedup) out += ",\"dedup\":\"id-" + work_.spelling.tag + "{number}\"";
    return out + "}";
  }

  std::string spell(const Request& request) const {
    std::string out = request.method + ' ' + request.path + " HTTP/1.1\r\nHost: " + work_.host;
    for (const std::string& field : work_.own.fields) out += "\r\n" + field;
    if (!request.content.empty()) {
      out += "\r\nContent-Type: application/json\r\nContent-Length: " +
             std::to_string(Stencil(request.content, work_.spelling).bytes());
    }
    return out + "\r\n\r\n" + request.content;
  }

  static std::string text_of(const HttpAnswer& one) {
    return "HTTP " + std::to_string(one.status) + ": " + std::string(one.body.substr(0, 200));
  }

  base::Status tell(const HttpAnswer& one, Answered& to) {
    const Verb verb = to.oldest();
    Answer answer;
    std::string text;
    if (one.status == 429) {
      answer.kind = Answer::Kind::kRefused;
    } else if (one.status >= 400) {
      text = text_of(one);
      answer = {.kind = Answer::Kind::kError, .text = text};
    } else if (verb == Verb::kDequeue) {
      if (const base::Status read = messages_.parse(one.body); !read) return read;
      answer.messages = messages_.messages();
      if (answer.messages.empty()) answer.kind = Answer::Kind::kEmpty;
    } else if (verb == Verb::kAck) {
      for (size_t at = 0; (at = one.body.find("\"ok\":true", at)) != one.body.npos; at += 9)
        ++answer.count;
    } else if (verb == Verb::kEnqueue) {
      const size_t begin = one.body.find("[\""), end = one.body.find("\"]");
      if (begin < end && end != one.body.npos)
        answer.text = one.body.substr(begin + 2, end - begin - 2);
    }
    to.answered(answer);
    if (one.last) return base::Error{base::Code::kShutdown, "the server ends connections", {}};
    return {};
  }

  const Work work_;
  uint64_t asked_ = 0, prepared_ = 0;
  std::array<Stencil, kVerbs> stencils_;
  std::string chunks_;
  MessageJson messages_;
};

}  // namespace

std::unique_ptr<Talk> http_talk(const Work& work) { return std::make_unique<HttpTalk>(work); }

}  // namespace load

#include "load/requests.h"

namespace load {
namespace {

Words check(const Work& work) {
  Words words = {"CHECK", work.domain, work.descriptor};
  if (work.wait_ms > 0) words.insert(words.end(), {"WAIT", std::to_string(work.wait_ms)});
  return words;
}

Words throttle(const Work& work) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(work.throttle.period);
  // The command's burst is on top of the first request.
  return {"CL.THROTTLE", "{key}", std::to_string(work.throttle.burst - 1),
          std::to_string(work.throttle.count), std::to_string(seconds.count())};
}

Words enqueue(const Work& work) {
  Words words = {"ENQUEUE", "{queue}", "{body}"};
  if (work.message_keys) words.insert(words.end(), {"KEY", "{key}"});
  if (work.dedup) words.insert(words.end(), {"DEDUP", "id-" + work.spelling.tag + "{number}"});
  return words;
}

Words dequeue(const Work& work) {
  Words words = {"DEQUEUE", "{queue}"};
  if (work.count > 0) words.insert(words.end(), {"COUNT", std::to_string(work.count)});
  if (work.wait_ms > 0) words.insert(words.end(), {"WAIT", std::to_string(work.wait_ms)});
  if (work.lease_ms > 0) words.insert(words.end(), {"LEASE", std::to_string(work.lease_ms)});
  return words;
}

}  // namespace

Words words_of(std::string_view text) {
  Words words;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) words.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

Words request_of(const Work& work, Verb verb) {
  switch (verb) {
    case Verb::kPing:
      return {"PING"};
    case Verb::kCheck:
      return check(work);
    case Verb::kThrottle:
      return throttle(work);
    case Verb::kRequest:
      return words_of(work.own.text);
    case Verb::kEnqueue:
      return enqueue(work);
    case Verb::kDequeue:
      return dequeue(work);
    default:
      return {};
  }
}

std::vector<Words> preparing(const Work& work) {
  std::vector<Words> all;
  if (!work.durability) return all;
  const std::string how(kDurabilityNames[static_cast<size_t>(*work.durability)]);
  for (uint64_t i = 0; i < work.spelling.queues; ++i)
    all.push_back({"QUEUE", "SET", work.spelling.queue_name(i), "durability", how});
  return all;
}

}  // namespace load

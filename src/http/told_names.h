// What names mean in a test: takes getaddrinfo()'s place in the whole program, libcurl's look-ups
// included. Names that nobody has told are looked up as ever. For one source of a test program.
#pragma once
#include <dlfcn.h>
#include <netdb.h>

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace told_names {

struct Answer {
  std::vector<std::string> addresses;  // None: there is no such name.
  std::chrono::milliseconds after{0};
};

struct Table {
  std::mutex mutex;
  std::map<std::string, std::vector<Answer>> names;  // In turn; the last one stays.
  std::map<std::string, int> asked;
};

inline Table& table() {
  static Table table;
  return table;
}

inline void tell(const std::string& name, std::vector<Answer> answers) {
  const std::lock_guard guard(table().mutex);
  table().names[name] = std::move(answers);
  table().asked[name] = 0;
}

inline int asked(const std::string& name) {
  const std::lock_guard guard(table().mutex);
  return table().asked[name];
}

using LookUp = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

inline int real(const char* node, const char* service, const addrinfo* hints, addrinfo** out) {
  static const auto next = reinterpret_cast<LookUp>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return next(node, service, hints, out);
}

inline int look_up(const char* node, const char* service, const addrinfo* hints, addrinfo** out) {
  Answer answer;
  {
    const std::lock_guard guard(table().mutex);
    const auto found = table().names.find(node == nullptr ? "" : node);
    if (found == table().names.end()) return real(node, service, hints, out);
    const auto at = static_cast<size_t>(table().asked[found->first]++);
    answer = found->second[std::min(at, found->second.size() - 1)];
  }
  std::this_thread::sleep_for(answer.after);
  addrinfo** end = out;
  *out = nullptr;
  for (const std::string& address : answer.addresses) {
    if (real(address.c_str(), service, hints, end) != 0) continue;
    while (*end != nullptr) end = &(*end)->ai_next;
  }
  return *out == nullptr ? EAI_NONAME : 0;
}

}  // namespace told_names

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** out) {
  return told_names::look_up(node, service, hints, out);
}

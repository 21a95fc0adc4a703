#include "gateway/name_lookup.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/check.h"

namespace gateway {

struct NameLookup::Asked {
  std::string host;
  addrinfo hints{};
  gaicb request{};

  ~Asked() {
    if (request.ar_result != nullptr) ::freeaddrinfo(request.ar_result);
  }
};

NameLookup::NameLookup() = default;

NameLookup::~NameLookup() {
  if (!asked_) return;
  // The resolver writes there when it is done, whoever still wants it: that memory is its own now.
  if (::gai_cancel(&asked_->request) == EAI_NOTCANCELED) static_cast<void>(asked_.release());
}

void NameLookup::start(const std::string& host) {
  CHECK(!asked_);
  asked_ = std::make_unique<Asked>();
  asked_->host = host;
  asked_->hints.ai_socktype = SOCK_STREAM;
  asked_->request.ar_name = asked_->host.c_str();
  asked_->request.ar_request = &asked_->hints;
  gaicb* list[] = {&asked_->request};
  if (::getaddrinfo_a(GAI_NOWAIT, list, 1, nullptr) != 0) asked_->request.ar_name = nullptr;
}

std::optional<std::vector<io::Ip>> NameLookup::take() {
  if (!asked_) return std::nullopt;
  const bool begun = asked_->request.ar_name != nullptr;
  if (begun && ::gai_error(&asked_->request) == EAI_INPROGRESS) return std::nullopt;
  std::vector<io::Ip> out;
  for (const addrinfo* at = asked_->request.ar_result; at != nullptr; at = at->ai_next) {
    if (at->ai_family != AF_INET && at->ai_family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, at->ai_addr, at->ai_addrlen);
    out.push_back(io::Ip::of(storage));
  }
  if (std::ranges::any_of(out, &io::Ip::v4)) std::erase_if(out, std::not_fn(&io::Ip::v4));
  asked_.reset();
  return out;
}

}  // namespace gateway

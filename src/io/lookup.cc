#include "io/lookup.h"

#include <netdb.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/mutex.h"

namespace io {
namespace {

base::Error failed(std::string why) { return {base::Code::kIo, std::move(why), {}}; }

Lookup::Found addresses_of(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) return failed("look-up of " + host + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  std::vector<Ip> out;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    if (at->ai_family != AF_INET && at->ai_family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, at->ai_addr, at->ai_addrlen);
    out.push_back(Ip::of(storage));
  }
  if (out.empty()) return failed("look-up of " + host + ": no address");
  std::stable_partition(out.begin(), out.end(), [](const Ip& ip) { return ip.v4(); });
  return out;
}

// What the thread and the loop share, so whichever goes first leaves the other alone.
struct Shared {
  Fd event{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  base::Mutex mutex;
  std::optional<Lookup::Found> found GUARDED_BY(mutex);

  void put(Lookup::Found result) EXCLUDES_LOCK(mutex) {
    const base::Guard guard(mutex);
    found = std::move(result);
    const uint64_t one = 1;
    CHECK(::write(event.get(), &one, sizeof one) == sizeof one);
  }
  std::optional<Lookup::Found> take() EXCLUDES_LOCK(mutex) {
    const base::Guard guard(mutex);
    return std::exchange(found, std::nullopt);
  }
};

}  // namespace

class Lookup::Asked final : public Source {
 public:
  explicit Asked(Lookup& owner) : owner_(owner) {}
  ~Asked() override {
    if (added_) owner_.poll_.remove(shared_->event.get(), *this);
  }

  bool begin(const std::string& host) {
    added_ = shared_->event && owner_.poll_.add(shared_->event.get(), kReadable, *this);
    if (!added_) return false;
    try {
      std::thread([shared = shared_, host] { shared->put(addresses_of(host)); }).detach();
    } catch (const std::system_error&) {
      return false;
    }
    return true;
  }

  void on_ready(uint8_t) override {
    std::optional<Found> found = shared_->take();
    Lookup& owner = owner_;
    if (!found) return;
    const std::unique_ptr<Asked> self = std::move(owner.asked_);
    owner.told_(*std::move(found));
  }

 private:
  Lookup& owner_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  bool added_ = false;
};

Lookup::Lookup(Poll& poll, std::function<void(Found)> told) : poll_(poll), told_(std::move(told)) {}

Lookup::~Lookup() = default;

bool Lookup::start(const std::string& host) {
  if (asked_) return true;
  asked_ = std::make_unique<Asked>(*this);
  if (asked_->begin(host)) return true;
  asked_.reset();
  return false;
}

}  // namespace io

#include "gateway/hash.h"

#include <openssl/evp.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "gateway/text.h"

namespace gateway {
namespace {

constexpr uint32_t kRoundsBetweenLooks = 1024;  // At whether to stop: a millisecond at most.
constexpr int kNice = 10;

// Looked up once: EVP_sha256() is looked up anew each time it is used.
class Sha256 {
 public:
  Sha256() : algorithm_(::EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(::EVP_MD_CTX_new()) {
    CHECK(algorithm_ != nullptr && context_ != nullptr);
  }
  ~Sha256() {
    ::EVP_MD_CTX_free(context_);
    ::EVP_MD_free(algorithm_);
  }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void apply(const void* bytes, size_t size, Digest& out) {
    CHECK(::EVP_DigestInit_ex2(context_, algorithm_, nullptr) == 1);
    CHECK(::EVP_DigestUpdate(context_, bytes, size) == 1);
    CHECK(::EVP_DigestFinal_ex(context_, out.data(), nullptr) == 1);
  }

 private:
  EVP_MD* const algorithm_;
  EVP_MD_CTX* const context_;
};

Sha256& of_this_thread() {
  static thread_local Sha256 sha;
  return sha;
}

}  // namespace

Digest sha256(std::string_view bytes) {
  Digest out;
  of_this_thread().apply(bytes.data(), bytes.size(), out);
  return out;
}

std::string hex(const Digest& digest) {
  std::string out;
  out.reserve(2 * digest.size());
  append_hex(digest, out);
  return out;
}

std::optional<Digest> parse_digest(std::string_view digits) {
  Digest out;
  if (digits.size() != 2 * out.size()) return std::nullopt;
  for (size_t i = 0; i < out.size(); ++i) {
    const std::optional<char> byte = hex_byte(digits.substr(2 * i));
    if (!byte) return std::nullopt;
    out[i] = static_cast<uint8_t>(*byte);
  }
  return out;
}

struct HashThreads::Body {
  struct Task {
    Digest digest;
    Done done;
  };

  explicit Body(Options told) : options(told) {}
  void run();
  void start_one();
  bool compute(Digest& digest) const;
  bool work(Task task) const;

  const Options options;
  mutable std::mutex mutex;  // A condition variable's, so not base::Mutex.
  std::condition_variable changed;
  std::deque<Task> tasks;
  size_t idle = 0;  // Threads that wait for a task, or will in a moment.
  std::atomic<bool> stopping{false};
  std::vector<std::thread> threads;
};

// With the lock held. Of a system that has no thread left those that there are must do.
void HashThreads::Body::start_one() {
  try {
    threads.emplace_back([this] { run(); });
    ++idle;
  } catch (const std::system_error&) {
  }
}

// False: it is to stop.
bool HashThreads::Body::compute(Digest& digest) const {
  Sha256& sha = of_this_thread();
  for (uint32_t round = 1; round < options.rounds; ++round) {
    if (round % kRoundsBetweenLooks == 0 && stopping.load(std::memory_order_relaxed)) return false;
    sha.apply(digest.data(), digest.size(), digest);
  }
  return true;
}

bool HashThreads::Body::work(Task task) const {
  if (!compute(task.digest)) return false;
  task.done(task.digest);
  return true;
}

void HashThreads::Body::run() {
  ::setpriority(PRIO_PROCESS, 0, kNice);  // On Linux: of this thread alone.
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [this] { return stopping || !tasks.empty(); });
    --idle;
    if (stopping) return;
    Task task = std::move(tasks.front());
    tasks.pop_front();
    lock.unlock();
    if (!work(std::move(task))) return;
    lock.lock();
    ++idle;
  }
}

HashThreads::HashThreads(Options options) {
  CHECK(options.rounds >= 1);
  if (options.threads == 0) options.threads = std::max(1u, std::thread::hardware_concurrency());
  body_ = std::make_unique<Body>(options);
}

HashThreads::~HashThreads() {
  {
    const std::lock_guard guard(body_->mutex);
    body_->stopping = true;
  }
  body_->changed.notify_all();
  for (std::thread& each : body_->threads) each.join();
}

base::Status HashThreads::compute(const Digest& first, Done done) {
  {
    const std::lock_guard guard(body_->mutex);
    Body& body = *body_;
    if (body.tasks.size() >= body.idle && body.threads.size() < body.options.threads) {
      body.start_one();
    }
    if (body.threads.empty() || body.tasks.size() >= body.options.waiting_max + body.idle) {
      return base::Error{base::Code::kFull, "too many hashes are waiting to be computed", {}};
    }
    body.tasks.push_back({first, std::move(done)});
  }
  body_->changed.notify_one();
  return {};
}

size_t HashThreads::waiting() const {
  const std::lock_guard guard(body_->mutex);
  return body_->tasks.size();
}

}  // namespace gateway

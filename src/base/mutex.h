// Locks whose type says what they guard. The build preset `clang` checks the annotations with
// -Wthread-safety; other compilers see nothing of them.
#pragma once
#include <atomic>
#include <mutex>
#include <thread>

#if defined(__clang__)
#define BASE_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define BASE_THREAD_ANNOTATION(x)
#endif

#define CAPABILITY(x) BASE_THREAD_ANNOTATION(capability(x))
#define SCOPED_CAPABILITY BASE_THREAD_ANNOTATION(scoped_lockable)
#define GUARDED_BY(x) BASE_THREAD_ANNOTATION(guarded_by(x))
#define REQUIRES_LOCK(...) BASE_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define ACQUIRE_LOCK(...) BASE_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define TRY_ACQUIRE_LOCK(...) BASE_THREAD_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define RELEASE_LOCK(...) BASE_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define EXCLUDES_LOCK(...) BASE_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS BASE_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace base {

// For sections that may wait or take long.
class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE_LOCK() { mutex_.lock(); }
  void unlock() RELEASE_LOCK() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// For sections of some tens of nanoseconds; one byte. A waiter spins a little, then yields, so that
// a holder that was preempted gets its core back.
class CAPABILITY("mutex") SpinLock {
 public:
  void lock() ACQUIRE_LOCK() {
    while (locked_.exchange(true, std::memory_order_acquire)) wait();
  }
  bool try_lock() TRY_ACQUIRE_LOCK(true) {
    return !locked_.load(std::memory_order_relaxed) &&
           !locked_.exchange(true, std::memory_order_acquire);
  }
  void unlock() RELEASE_LOCK() { locked_.store(false, std::memory_order_release); }

 private:
  void wait() const {
    for (int spin = 0; locked_.load(std::memory_order_relaxed); ++spin) {
      if (spin < 64) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
      } else {
        std::this_thread::yield();
      }
    }
  }
  std::atomic<bool> locked_{false};
};

template <typename Lock>
class SCOPED_CAPABILITY Guard {
 public:
  explicit Guard(Lock& lock) ACQUIRE_LOCK(lock) : lock_(lock) { lock_.lock(); }
  ~Guard() RELEASE_LOCK() { lock_.unlock(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  Lock& lock_;
};

}  // namespace base

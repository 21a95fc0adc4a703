// Writes a history of what the clients of a load saw (docs/formats/history.md).
#pragma once
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "load/open.h"

namespace load {

// The file of all threads.
//
// Thread: any.
class Recorder {
 public:
  static base::Result<std::unique_ptr<Recorder>> make(const std::string& path);
  ~Recorder();
  void add(std::string_view lines) EXCLUDES_LOCK(mutex_);
  base::Status close() EXCLUDES_LOCK(mutex_);  // An error: not all is in the file.

 private:
  explicit Recorder(std::FILE* file) : file_(file) {}
  base::Mutex mutex_;
  std::FILE* file_ GUARDED_BY(mutex_);
  bool failed_ GUARDED_BY(mutex_) = false;
};

// One thread's lines, on their way to the file.
//
// Thread: one owner.
class Lines {
 public:
  Lines(Recorder& file, const Work& work) : file_(file), work_(work) {}
  ~Lines() { flush(); }

  static std::string head(const Work& work, const Law* law);  // The first lines of the file.
  static std::string wake(base::Time at, std::string_view queue, base::Duration within);

  void answered(std::string_view connection, const Open& open, const Answer& answer,
                base::Time now);
  void unknown(const Open& open, base::Time now);  // Nobody will know what became of it.
  void closed(std::string_view connection, base::Time from, base::Time to);
  void flush();

 private:
  void begin(std::string_view verb, base::Time from, base::Time to);
  void outcome_line(const Open& open, std::string_view outcome, std::string_view id,
                    base::Time now);
  void delivered(std::string_view connection, const Open& open, const Message& one, base::Time now);

  static constexpr size_t kBlockBytes = 256 * 1024;
  Recorder& file_;
  const Work& work_;
  std::string text_;
};

}  // namespace load

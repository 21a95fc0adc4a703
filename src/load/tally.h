// What a load measured: one tally a thread, put together at the end.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "load/histogram.h"
#include "load/talk.h"

namespace load {

// Something that a limit let pass, between two instants of the clients' clock: it was asked for,
// and it was known. A request that had to wait tells when it was let go.
struct Admitted {
  uint64_t key = 0;
  base::Time from, to;
  bool waited = false;
  base::Time there = base::Time::max();  // A message: since when it surely waited (wakes.h).
};

// A DEQUEUE that waited and came back with nothing.
struct InVain {
  uint64_t queue = 0;
  base::Time from, to;
};

// Thread: one owner.
class Tally {
 public:
  static constexpr size_t kErrorsMax = 20;                 // Kinds that are told apart.
  static constexpr size_t kAdmittedMax = size_t{1} << 24;  // Kept for the judgement (640 MiB).

  // `since`: when it was due to be asked, or was asked.
  void answer(Verb verb, base::Time since, base::Time now, Answer::Kind kind) {
    if (histograms_[static_cast<size_t>(verb)] == nullptr) make(verb);
    histograms_[static_cast<size_t>(verb)]->add((now - since).count());
    if (kind == Answer::Kind::kRefused) ++refused;
    if (kind == Answer::Kind::kEmpty) ++empty;
    last = std::max(last, now);
  }
  void error(std::string_view text, uint64_t times = 1);
  void admitted(const Admitted& one) {
    if (let_pass.size() < kAdmittedMax) let_pass.push_back(one);
  }
  void waited_in_vain(const InVain& one) {
    if (in_vain.size() < kAdmittedMax) in_vain.push_back(one);
  }
  void merge(const Tally& other);

  uint64_t operations = 0, errors = 0, refused = 0, empty = 0;
  uint64_t unanswered = 0;  // By the end; counted with errors too.
  uint64_t lost = 0;        // Connections.
  std::map<std::string, uint64_t> error_kinds;
  base::Time last{};  // Of the last answer.
  std::vector<Admitted> let_pass;
  std::vector<InVain> in_vain;

  const Histogram* of(Verb verb) const { return histograms_[static_cast<size_t>(verb)].get(); }
  Histogram all() const;

 private:
  void make(Verb verb);
  std::array<std::unique_ptr<Histogram>, kVerbs> histograms_;
};

}  // namespace load

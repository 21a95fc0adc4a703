// Grants and returns on their way: those of one loop round go in one call for each domain.
//
// Thread: its loop's.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "redis/soon.h"
#include "store/grants.h"
#include "store/line.h"

namespace store {

class GrantCalls {
 public:
  // What came of a request. Nothing: it failed, or the domain may have blocks (`blocks`), and
  // nothing is granted beside blocks. Not called from inside.
  using Told =
      std::function<void(const Grants::Request&, std::optional<Grants::Granted>, bool blocks)>;
  GrantCalls(io::Loop& loop, Common::Body& common, Line& line, Told told);

  void send(Grants::Request request);
  void send(Grants::Return back);  // Once: one that is lost is lost.

 private:
  struct Call {
    std::string domain;
    Frame frame;
    std::string rest;
    std::vector<std::optional<Grants::Request>> of;  // By change; nothing: a return.
  };
  Call& call_of(const std::string& domain);
  uint16_t state(Call& call, base::Hash128 key, const Law& law, const Grants::Place& place);
  void flush();
  void send(std::unique_ptr<Call> call);
  void on_answer(const Call& call, std::string_view bytes);

  Common::Body& common_;
  Line& line_;
  const Told told_;
  std::vector<std::unique_ptr<Call>> open_;
  redis::Soon flush_;
};

}  // namespace store

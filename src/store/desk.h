// Decisions on their way: asks are taken apart into the calls that decide them, and put together
// again.
//
//   item ─► hits and blocks, by place ─► an open call for each place ─► sent at the end of the
//   round
//        ◄─ all parts allowed: charged      ◄─ each hit's state, as it was met
//        ◄─ one part refused: what others have charged is given back
//
// Hits of limits that are granted are taken from units that are here, if there are some (grants.h):
// an ask of such hits alone needs no call; of others only the rest is asked for, and the units are
// put back if it refuses.
//
// In one Redis, and in a cluster with Placement::kDomain, an ask of one domain has one part. Items
// whose parts failed are decided as their limits say (gone.h).
//
// Thread: its loop's.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/alarm.h"
#include "redis/soon.h"
#include "store/grant_calls.h"
#include "store/grants.h"
#include "store/line.h"
#include "store/remember.h"
#include "store/round.h"
#include "store/settling.h"

namespace store {

class Desk {
 public:
  Desk(io::Loop& loop, Common::Body& common, Line& line);
  ~Desk();
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  // A round is made, filled and started; its `done` is called once, never from inside start().
  std::unique_ptr<Round> round();
  void add(Round& round, const limiter::Ask& ask, limiter::Purpose purpose);
  // One limit of a descriptor for itself, and the descriptor's block; or without a limit, only
  // that.
  void add_row(Round& round, const limiter::Limits::Domain& domain, limiter::Descriptor descriptor,
               const limiter::Limit* limit);
  void start(std::unique_ptr<Round> round);

  void flush();  // Sends what has been started so far, ahead of whatever is sent next.

  // ---- Names, for whoever settles states.
  const Law* law_of(const limiter::Hit& hit);  // Null: it does not fit a store.
  std::string state_name(const limiter::Limits& limits, const limiter::Met& met);
  std::string block_name(const limiter::Limits::Domain& domain, limiter::Descriptor descriptor);
  std::string tag_of(const limiter::Limits::Domain& domain);
  // A block was set, or may have been: asks of the domain look for blocks until then.
  void expect_blocks(const std::string& domain, base::Time until);

 private:
  struct OpenCall {
    uint16_t place = 0;
    Frame frame;
    std::string rest;
    std::vector<std::string> extra;
    std::vector<Part> parts;
    std::vector<std::string> flags;  // Domains, as the frame's.
    size_t hits = 0;
    base::Time deadline{};
  };
  struct DomainPlace {
    std::string tag;
    uint16_t place = 0;
    base::Time blocks_until{};  // Until then it has blocks, or may have.
  };
  struct Spot {  // Where an item's hit or block is.
    uint16_t place = 0;
    std::string name;  // Of a hit in one place for all: empty, it is made when it is needed.
  };
  struct Taking {  // An item, taken apart.
    uint16_t place = 0;
    std::vector<uint32_t> hits;
    std::vector<std::string> blocks;
    std::vector<const std::string*> flags;
  };

  void finish_add(Round& round, Item& item);
  bool take_local(Round& round, uint32_t item);  // True: answered.
  bool may_be_granted(const Round& round, const Item& item);
  void send_for(const Round& round, size_t hit);
  void answer_here(Round& round, Item& item, limiter::Answer& answer);
  void put_back(Round& round, const Item& item);
  void tend_grants();
  DomainPlace& place_of(const std::string& domain);
  Taking& taking_at(std::vector<Taking>& all, uint16_t place);
  void take_apart(Round& round, Item& item, std::vector<Taking>& all);
  void take_blocks(const limiter::Limits::Domain& domain,
                   std::span<const limiter::Descriptor> descriptors, std::vector<Taking>& all);
  bool ask(Round& round, uint32_t item);  // False: it cannot be asked.
  void put(Round& round, uint32_t item, Taking&& taking, bool single);
  OpenCall& open_call(uint16_t place, const Round& round, size_t more_hits);
  void send(std::unique_ptr<OpenCall> call);

  void on_answer(OpenCall& call, const std::string& bytes, int64_t now);
  void read(OpenCall& call, Part& part, std::string_view& hits, const std::vector<int64_t>& ends,
            int64_t now);
  void fail(OpenCall& call, const base::Error& error);
  void end_part(Part&& part);
  void finish(Round& round, uint32_t item);
  void undo(Round& round, Item& item);
  void go_without(Round& round, uint32_t item);
  void complete(Round& round);
  void deliver();

  Common::Body& common_;
  Line& line_;
  Remembered remembered_;
  Grants grants_;
  GrantCalls grant_calls_;
  io::Alarm tending_;  // Of grants that are due.
  std::unordered_map<limiter::LawNumber, std::optional<Law>> laws_;
  std::unordered_map<std::string, DomainPlace> places_;
  std::unordered_map<Round*, std::unique_ptr<Round>> rounds_;
  std::vector<std::unique_ptr<OpenCall>> open_;
  std::vector<std::unique_ptr<Round>> finished_;
  std::string text_;  // Reused.
  redis::Soon flush_, deliver_;
  // Shared with what runs while somebody's `done` may destroy this.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace store

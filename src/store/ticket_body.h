// The parts of Tickets.
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/alarm.h"
#include "limiter/gather.h"
#include "limiter/openings.h"
#include "store/body.h"
#include "store/ticket_box.h"
#include "store/ticket_holds.h"
#include "store/tickets.h"

namespace store {

// The part of an ask that is decided in this process.
inline limiter::Ask also_of(const limiter::Ask& ask) {
  return {.also_domain = ask.also_domain, .also = ask.also, .cost = ask.cost};
}

// Thread: its loop's, but as Tickets says.
struct Tickets::Body {
  Body(Common::Body& common_of_process, TicketCommon& shared_by_process,
       limiter::Limiter& limits_of_process, TicketOptions ticket_options);
  ~Body();

  void begin(io::Loop& loop, Desk& desk_of_store, Line& line_of_store);
  void end();

  using Taken = base::Result<std::optional<limiter::Obstacle>>;
  Taken take(const limiter::Ask& ask, const limiter::TakeTerms& terms, base::Time now,
             limiter::Answer* answer);
  uint64_t expect(const limiter::Ask& ask, const limiter::TakeTerms& terms, base::Time now);
  void put_back(base::Time now);  // What the last take() has used.
  // Until then, or released.
  void change_holds(const limiter::Ask& ask, uint64_t hold_id, std::optional<base::Time> until);
  limiter::Answer look(const limiter::Ask& ask);

  // Of take(). gather() leaves what the ask meets in `gathered`; false: the domain is unknown.
  bool gather(const limiter::Ask& ask);
  base::Hash128 key_of(const limiter::Ask& ask, const limiter::TakeTerms& terms);
  bool meets_holds() const;
  std::optional<limiter::Obstacle> use(Asked& asked, base::Hash128 key, const limiter::Ask& ask,
                                       const limiter::TakeTerms& terms, base::Time now,
                                       limiter::Answer* answer);
  std::optional<limiter::Obstacle> known(Asked& asked, const limiter::Ask& ask,
                                         const limiter::TakeTerms& terms, base::Time now,
                                         limiter::Answer* answer);
  std::optional<limiter::Obstacle> taken_turn(const limiter::TakeTerms& terms) const;
  limiter::Obstacle send_for(base::Hash128 key, const limiter::Ask& ask,
                             const limiter::TakeTerms& terms);
  void limits_changed(std::shared_ptr<const limiter::Limits> now_in_force);

  // Answers (ticket_answers.cc).
  struct Sent {
    base::Hash128 key{};
    uint64_t count = 1;
    uint64_t epoch = 0;
    bool keeps_answer = false;
  };
  void answered(const Sent& sent, const Round& round);
  Ticket ticket_of(const Round& round, size_t item, bool keeps_answer);
  Refusal refusal_of(const Round& round, size_t item, const Sent& sent);
  limiter::Obstacle obstacle_of(const Round& round, size_t item, base::Hash128 key);
  void release_doubtful(const Round& round, size_t item);
  void give_back(Ticket&& ticket);
  void sweep();
  void look_soon();
  std::string hold_name(uint64_t hold_id) const;

  Common::Body& common;
  TicketCommon& shared;
  limiter::Limiter& local;
  const TicketOptions options;
  const uint64_t seed;
  Desk* desk = nullptr;
  Line* line = nullptr;
  TicketHolds holds;
  TicketBox box;
  std::optional<io::Alarm> sweeping;

  std::shared_ptr<const limiter::Limits> limits;
  uint64_t epoch = 0;  // Of answers: those of another one are given back.
  uint64_t in_flight = 0;
  struct Used {
    base::Hash128 key{};
    Ticket ticket;
  };
  std::optional<Used> used;
  // How soon a concurrency limit that refused is asked again.
  boost::unordered_flat_map<base::Hash128, base::Duration, limiter::HashOfKey> polls;
  struct Early {  // Before begin().
    std::string domain;
    std::unique_ptr<limiter::DescriptorCopy> descriptors;
    uint64_t hold_id;
    std::optional<base::Time> until;
  };
  std::vector<Early> early;

  limiter::Gathered gathered;  // Reused.
  std::vector<limiter::LimitAnswer> rows;
  std::string text;
  // Shared with calls that are out.
  const std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

}  // namespace store

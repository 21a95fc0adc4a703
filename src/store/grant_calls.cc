#include "store/grant_calls.h"

#include <algorithm>
#include <utility>

#include "io/loop.h"
#include "store/script.h"

namespace store {
namespace {

enum class GrantWhat : uint8_t { kGrant = 7, kReturn = 8 };  // As the script's.

constexpr size_t kChangesMax = 128;  // A call holds up all others of its node.
constexpr size_t kNumber = sizeof(double), kNumbersOfGrant = 4;

}  // namespace

GrantCalls::GrantCalls(io::Loop& loop, Common::Body& common, Line& line, Told told)
    : common_(common),
      line_(line),
      told_(std::move(told)),
      flush_(loop.poll(), [this] { flush(); }) {}

GrantCalls::Call& GrantCalls::call_of(const std::string& domain) {
  const auto found =
      std::ranges::find(open_, domain, [](const auto& each) { return each->domain; });
  if (found != open_.end()) {
    if ((*found)->of.size() < kChangesMax && (*found)->frame.has_room(1)) return **found;
    std::unique_ptr<Call> full = std::move(*found);
    open_.erase(found);
    send(std::move(full));
  }
  if (open_.empty()) flush_.ask();
  open_.push_back(std::make_unique<Call>());
  Call& call = *open_.back();
  call.domain = domain;
  call.frame.flag(common_.names.flag(KeyNames::tag_of_domain(domain)));
  return call;
}

uint16_t GrantCalls::state(Call& call, base::Hash128 key, const Law& law,
                           const Grants::Place& place) {
  return call.frame.state(key, place.number, law, common_.store_time(),
                          [&] { return place.state; });
}

void GrantCalls::send(Grants::Request request) {
  Call& call = call_of(request.place.domain);
  put_byte(call.rest, static_cast<uint8_t>(GrantWhat::kGrant));
  put_short(call.rest, state(call, request.key, *request.law, request.place));
  put_number(call.rest, request.units);
  put_number(call.rest, whole_us(request.law->grant_life()));
  call.of.emplace_back(std::move(request));
}

void GrantCalls::send(Grants::Return back) {
  Call& call = call_of(back.place.domain);
  put_byte(call.rest, static_cast<uint8_t>(GrantWhat::kReturn));
  put_short(call.rest, state(call, back.key, *back.law, back.place));
  put_number(call.rest, back.units);
  put_number(call.rest, back.charged_us);
  call.of.emplace_back();
  common_.grants.returned.add(static_cast<uint64_t>(back.units));
}

void GrantCalls::flush() {
  for (std::unique_ptr<Call>& call : std::exchange(open_, {})) send(std::move(call));
}

void GrantCalls::send(std::unique_ptr<Call> owned) {
  // Shared: a std::function must be copyable.
  const std::shared_ptr<Call> call = std::move(owned);
  line_.run(settle_script(), call->frame, call->rest, {},
            common_.clock.now() + common_.options.deadline,
            [this, call](base::Result<std::string>&& bytes, int64_t) {
              on_answer(*call, bytes ? std::string_view(*bytes) : std::string_view());
            });
}

void GrantCalls::on_answer(const Call& call, std::string_view bytes) {
  size_t numbers = 0;
  for (const auto& each : call.of) numbers += each ? kNumbersOfGrant : 1;
  const bool sound = bytes.size() == numbers * kNumber;
  size_t at = 0;
  for (const std::optional<Grants::Request>& request : call.of) {
    if (!request) {
      at += kNumber;
      continue;
    }
    if (!sound) {
      told_(*request, std::nullopt, false);
      continue;
    }
    const Grants::Granted granted{.units = number_at(bytes, at),
                                  .room = number_at(bytes, at + kNumber),
                                  .charged_us = number_at(bytes, at + 2 * kNumber),
                                  .window_us = number_at(bytes, at + 3 * kNumber)};
    at += kNumbersOfGrant * kNumber;
    if (granted.units < 0) {
      told_(*request, std::nullopt, true);
      continue;
    }
    common_.grants.asked.add();
    common_.grants.units.add(static_cast<uint64_t>(granted.units));
    told_(*request, granted, false);
  }
}

}  // namespace store

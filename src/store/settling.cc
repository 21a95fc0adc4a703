#include "store/settling.h"

#include <map>
#include <memory>

#include "store/script.h"

namespace store {
namespace {

struct Call {
  Frame frame;
  std::string rest;
  std::vector<std::string> extra;
  std::vector<size_t> of;  // Which changes.
};

// Shared by the calls that are under way: the last one tells.
struct Pending {
  std::vector<int64_t> results;
  base::Status status;
  size_t left = 0;
  Settled done;
};

void add(const Change& change, base::Time about, Call& call) {
  put_byte(call.rest, static_cast<uint8_t>(change.what));
  put_short(call.rest, change.law != nullptr
                           ? call.frame.state(change.key, change.number, *change.law, about,
                                              [&] { return change.name; })
                           : call.frame.block(change.name));
  put_number(call.rest, std::min(change.n, kExact));
  put_number(call.rest, std::min(change.x, kExact));
  if (change.what == Change::What::kRelease || change.what == Change::What::kRenew)
    call.extra.push_back(change.id);
}

}  // namespace

void settle(Line& line, base::Time about, const std::vector<Change>& changes, base::Time deadline,
            Settled done) {
  std::map<uint16_t, std::vector<Call>> calls;
  for (size_t i = 0; i < changes.size(); ++i) {
    std::vector<Call>& here = calls[line.place_of(changes[i].name)];
    if (here.empty() || !here.back().frame.has_room(1)) here.emplace_back();
    add(changes[i], about, here.back());
    here.back().of.push_back(i);
  }
  auto pending = std::make_shared<Pending>();
  pending->results.resize(changes.size());
  pending->done = std::move(done);
  for (const auto& [place, here] : calls) pending->left += here.size();
  for (const auto& [place, here] : calls) {
    for (const Call& call : here) {
      line.run(settle_script(), call.frame, call.rest, call.extra, deadline,
               [pending, of = call.of](base::Result<std::string>&& bytes, int64_t) {
                 if (!bytes) {
                   pending->status = bytes.error();
                 } else if (bytes->size() != of.size() * sizeof(double)) {
                   pending->status =
                       base::Error{base::Code::kUnknown, "the store answered something else", {}};
                 } else {
                   for (size_t i = 0; i < of.size(); ++i)
                     pending->results[of[i]] = number_at(*bytes, i * sizeof(double));
                 }
                 if (--pending->left == 0)
                   pending->done(std::move(pending->status), std::move(pending->results));
               });
    }
  }
}

}  // namespace store

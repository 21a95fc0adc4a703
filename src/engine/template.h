// Templates of descriptors: "tenant={header:tenant}", and what a message makes of them.
//
//   template   = entry *("," entry)         one descriptor, an ordered path
//   entry      = key "=" part*              a part is text, or one of
//   {queue} {key} {header:NAME} {host}      host: of the URL that the message is pushed to, or,
//                                           without a push, of the header `url` (engine/host.h)
//
// `%XX` spells any byte of the text, also `,` `=` `{` and `%`. A value that is absent or empty
// makes the descriptor not apply.
//
// Messages of push queues ask beside that, in the domain that all dispatchers share, for their host
// (if it can be told) and for what all hosts share: [host=example.com] and [dispatch=global]. Only
// a host that depends on the message is encoded with it; the rest is what the queue's settings say
// when it is asked, so it holds for messages of before they changed, too.
//
// Encoded, a decision's domains and descriptors are one opaque text: part of a flow's identity and
// of the message's record (docs/formats/shard.md).
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/request.h"
#include "engine/url_template.h"
#include "limiter/ask.h"
#include "queue/settings.h"

namespace engine {

// What limits of deliveries by HTTP are called.
inline constexpr std::string_view kOutbound = "outbound";  // Their domain.
inline constexpr std::string_view kHostKey = "host";
inline constexpr std::string_view kGlobalKey = "dispatch", kGlobalValue = "global";

base::Status validate_template(std::string_view text);  // kInvalid: what is wrong with it.

// What a queue's messages ask of limits. Thread: one owner.
class Templates {
 public:
  Templates() = default;
  // Faulty templates are left out.
  explicit Templates(const queue::Decide& decide, const queue::Push& push = {});
  bool empty() const { return descriptors_.empty() && !push_; }

  // Empty: nothing applies. Valid until the next call.
  std::string_view render(std::string_view queue, const Message& message);

  // What a message asks now that was encoded as `ask` says, perhaps under other settings. Views
  // into `ask`'s and into this; valid until the next call.
  limiter::Ask complete(limiter::Ask ask);

 private:
  enum class From : uint8_t { kText, kQueue, kKey, kHeader, kHost };
  struct Part {
    From from;
    std::string text;  // kHeader: its name in lower case.
  };
  struct Entry {
    std::string key;
    std::vector<Part> parts;
  };
  friend base::Status validate_template(std::string_view text);
  static base::Result<std::vector<Entry>> parse(std::string_view text);
  static base::Result<Entry> parse_entry(std::string_view text);
  bool render_entry(const Entry& entry, std::string_view queue, const Message& message);

  const std::string& host(std::string_view queue, const Message& message);
  void render_host(std::string_view queue, const Message& message);

  std::string domain_;
  std::vector<std::vector<Entry>> descriptors_;
  bool push_ = false;
  std::optional<UrlTemplate> url_;         // Of a push whose host depends on the message.
  std::string fixed_host_;                 // Of another push.
  std::string host_;                       // Of …
  const Message* host_of_last_ = nullptr;  // … this message, within one render().
  std::array<limiter::Entry, 2> also_entries_;
  std::array<limiter::Descriptor, 2> also_;
  std::string out_, value_;
};

// The decoded ask; views point into the encoded text and into itself. Reused. Thread: one owner.
class AskText {
 public:
  // REQUIRES: made by Templates::render() or encode_ask(); empty: an ask of no domain.
  limiter::Ask decode(std::string_view encoded, int64_t cost);

 private:
  std::vector<limiter::Entry> entries_;
  std::vector<limiter::Descriptor> descriptors_, also_;
};

inline bool asks_nothing(const limiter::Ask& ask) {
  return ask.domain.empty() && ask.also_domain.empty();
}

// The host of a complete() ask; empty: none.
std::string_view host_of(const limiter::Ask& ask);

std::string encode_ask(std::string_view domain, std::span<const limiter::Descriptor> descriptors);

}  // namespace engine

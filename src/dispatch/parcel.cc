#include "dispatch/parcel.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "engine/url_template.h"

namespace dispatch {
namespace {

// What the URL's template is for, our own, and the connection's. All in lower case.
constexpr std::array<std::string_view, 19> kNotForwarded = {"url",
                                                            "webhook-id",
                                                            "webhook-timestamp",
                                                            "webhook-signature",
                                                            "ratelimmq-message-id",
                                                            "ratelimmq-attempt",
                                                            "ratelimmq-queue",
                                                            "host",
                                                            "content-length",
                                                            "connection",
                                                            "keep-alive",
                                                            "proxy-connection",
                                                            "proxy-authenticate",
                                                            "proxy-authorization",
                                                            "te",
                                                            "trailer",
                                                            "transfer-encoding",
                                                            "upgrade",
                                                            "expect"};
constexpr std::string_view kContentType = "content-type";

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool is_forwarded(std::string_view lower_name) {
  return std::ranges::find(kNotForwarded, lower_name) == kNotForwarded.end();
}

bool is_token(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return (c & 0x80) == 0 &&
           (std::isalnum(static_cast<unsigned char>(c)) || kMarks.find(c) != kMarks.npos);
  });
}

bool is_field_value(std::string_view value) {
  return std::ranges::none_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

base::Status add_headers(const std::vector<engine::Header>& headers, Parcel& parcel) {
  bool typed = false;
  for (const engine::Header& each : headers) {
    const std::string name = lower_case(each.name);
    if (!is_forwarded(name)) continue;
    if (!is_token(name) || !is_field_value(each.value))
      return base::invalid("a header of the message cannot be an HTTP field", "url");
    typed = typed || name == kContentType;
    parcel.fields.emplace_back(name, each.value);
  }
  if (!typed) parcel.fields.emplace_back(kContentType, "application/octet-stream");
  return {};
}

}  // namespace

base::Result<Parcel> wrap(const engine::Stored& message, const queue::Push& push,
                          const ParcelTerms& terms) {
  const auto url = engine::UrlTemplate::make(push.url);
  if (!url) return base::invalid(url.error().what, "url");
  Parcel parcel{.url = url->render(terms.queue, message.key, message.headers),
                .method = push.method,
                .fields = {},
                .body = message.body};
  if (parcel.url.empty())
    return base::invalid("the message lacks what the URL of its queue is made of", "url");
  if (terms.signer != nullptr) {
    parcel.fields.emplace_back("webhook-id", terms.id);
    parcel.fields.emplace_back("webhook-timestamp", std::to_string(terms.unix_seconds));
    parcel.fields.emplace_back("webhook-signature",
                               terms.signer->sign(terms.id, terms.unix_seconds, message.body));
  }
  parcel.fields.emplace_back("ratelimmq-message-id", terms.id);
  parcel.fields.emplace_back("ratelimmq-attempt", std::to_string(terms.attempt));
  parcel.fields.emplace_back("ratelimmq-queue", terms.queue);
  if (const base::Status added = add_headers(message.headers, parcel); !added) return added.error();
  return parcel;
}

}  // namespace dispatch

#include "dispatch/parcel.h"

#include <gtest/gtest.h>

#include <optional>

namespace dispatch {
namespace {

constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

engine::Stored message(std::vector<engine::Header> headers = {}) {
  engine::Stored out;
  out.key = "acme";
  out.headers = std::move(headers);
  out.body = R"({"test": 2432232314})";
  return out;
}

queue::Push push(std::string url = "https://x.test/hook") {
  queue::Push out;
  out.url = std::move(url);
  return out;
}

ParcelTerms terms() {
  return {
      .queue = "hooks", .id = "m00010000000000042", .attempt = 3, .unix_seconds = 1'614'265'330};
}

std::optional<std::string> field(const Parcel& parcel, std::string_view name) {
  std::optional<std::string> found;
  for (const auto& [each, value] : parcel.fields) {
    if (each != name) continue;
    EXPECT_FALSE(found) << name << " is there twice";
    found = value;
  }
  return found;
}

TEST(Parcel, TellsTheReceiverMessageAttemptAndQueue) {
  const engine::Stored stored = message();
  const Parcel parcel = wrap(stored, push(), terms()).value();
  EXPECT_EQ(parcel.url, "https://x.test/hook");
  EXPECT_EQ(parcel.method, "POST");
  EXPECT_EQ(parcel.body, stored.body);
  EXPECT_EQ(field(parcel, "ratelimmq-message-id"), "m00010000000000042");
  EXPECT_EQ(field(parcel, "ratelimmq-attempt"), "3");
  EXPECT_EQ(field(parcel, "ratelimmq-queue"), "hooks");
  EXPECT_EQ(field(parcel, "content-type"), "application/octet-stream");
  EXPECT_EQ(field(parcel, "webhook-signature"), std::nullopt);
}

TEST(Parcel, IsSignedSoThatTheReceiverCanVerifyIt) {
  const auto signer = Signer::make(kSecret);
  ParcelTerms signed_terms = terms();
  signed_terms.signer = &*signer;
  const engine::Stored stored = message();
  const Parcel parcel = wrap(stored, push(), signed_terms).value();
  EXPECT_TRUE(verify(kSecret, *field(parcel, "webhook-id"), *field(parcel, "webhook-timestamp"),
                     *field(parcel, "webhook-signature"), parcel.body,
                     base::time_from(1'614'265'330'000'000'000)));
}

TEST(Parcel, HeadersGoAlongButForOursAndTheConnections) {
  const engine::Stored stored = message({{"Content-Type", "application/json"},
                                         {"X-Tenant", "acme"},
                                         {"url", "https://h.test/"},
                                         {"Webhook-Signature", "v1,forged"},
                                         {"webhook-id", "forged"},
                                         {"webhook-event", "paid"},
                                         {"RateLimMQ-Attempt", "1"},
                                         {"Host", "evil.test"},
                                         {"Content-Length", "0"},
                                         {"Transfer-Encoding", "chunked"},
                                         {"Connection", "close"},
                                         {"Keep-Alive", "1"},
                                         {"TE", "trailers"},
                                         {"Trailer", "x"},
                                         {"Upgrade", "h2c"},
                                         {"Proxy-Authorization", "x"},
                                         {"Proxy-Connection", "x"},
                                         {"Expect", "100-continue"},
                                         {"Authorization", "Bearer t"}});
  const Parcel parcel = wrap(stored, push("{header:url}"), terms()).value();
  EXPECT_EQ(parcel.url, "https://h.test/");
  std::vector<std::string> names;
  for (const auto& [name, value] : parcel.fields) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"ratelimmq-message-id", "ratelimmq-attempt",
                                             "ratelimmq-queue", "content-type", "x-tenant",
                                             "webhook-event", "authorization"}));
  EXPECT_EQ(field(parcel, "content-type"), "application/json");
  EXPECT_EQ(field(parcel, "ratelimmq-attempt"), "3");
}

TEST(Parcel, WhatCannotBeSentIsRefusedAsTheUrl) {
  const auto refused = [](std::vector<engine::Header> headers, std::string url) {
    const engine::Stored stored = message(std::move(headers));
    const auto wrapped = wrap(stored, push(std::move(url)), terms());
    return !wrapped && wrapped.error().code == base::Code::kInvalid &&
           wrapped.error().field == "url";
  };
  EXPECT_TRUE(refused({}, "{header:url}"));
  EXPECT_TRUE(refused({{"url", ""}}, "{header:url}"));
  EXPECT_TRUE(refused({{"x", "a\r\nHost: evil"}}, "https://x.test/"));
  EXPECT_TRUE(refused({{"x", std::string_view("\0", 1)}}, "https://x.test/"));
  EXPECT_TRUE(refused({{"x y", "1"}}, "https://x.test/"));
  EXPECT_TRUE(refused({{"x:", "1"}}, "https://x.test/"));
  EXPECT_TRUE(refused({{"\xC3\xA9", "1"}}, "https://x.test/"));
  EXPECT_FALSE(refused({{"x", "tab\tand \xC3\xA9"}}, "https://x.test/"));
}

}  // namespace
}  // namespace dispatch

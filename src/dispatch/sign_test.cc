#include "dispatch/sign.h"

#include <gtest/gtest.h>

#include "base/base64.h"

namespace dispatch {
namespace {

constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view kId = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr std::string_view kBody = R"({"test": 2432232314})";
constexpr std::string_view kSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
constexpr int64_t kSent = 1'614'265'330;

// RFC 8032, section 7.1, test 2.
constexpr std::string_view kSeed =
    "\x4c\xcd\x08\x9b\x28\xff\x96\xda\x9d\xb6\xc3\x46\xec\x11\x4e\x0f"
    "\x5b\x8a\x31\x9f\x35\xab\xa6\x24\xda\x8c\xf6\xed\x4f\xb8\xa6\xfb";
constexpr std::string_view kPublic =
    "\x3d\x40\x17\xc3\xe8\x43\x89\x5a\x92\xb7\x0a\xa7\x4d\x1b\x7e\xbc"
    "\x9c\x98\x2c\xcf\x2e\xc4\x96\x8c\xc0\xcd\x55\xf1\x2a\xf4\x66\x0c";

std::string spelt(std::string prefix, std::string_view bytes) {
  base::append_base64(prefix, bytes);
  return prefix;
}
base::Time at(int64_t unix_seconds) { return base::time_from(unix_seconds * 1'000'000'000); }

std::string fault(std::string_view secrets) {
  const auto made = Signer::make(secrets);
  return made ? "" : made.error().field + ": " + made.error().what;
}

base::Status verified(std::string_view signatures, int64_t now = kSent,
                      std::string_view secret = kSecret) {
  return verify(secret, kId, std::to_string(kSent), signatures, kBody, at(now));
}

TEST(Sign, GivesThePublishedSignature) {
  EXPECT_EQ(Signer::make(kSecret)->sign(kId, kSent, kBody), kSignature);
  EXPECT_TRUE(verified(kSignature));
}

TEST(Sign, EveryActiveSecretSigns) {
  const std::string other = spelt("whsec_", std::string(64, 'k'));
  const std::string key = spelt("whsk_", kSeed);
  const auto signer = Signer::make(std::string(kSecret) + "  " + other + " " + key + " ");
  const std::string all = signer->sign(kId, kSent, kBody);
  EXPECT_EQ(all.find(kSignature), 0u);
  EXPECT_EQ(std::count(all.begin(), all.end(), ' '), 2);
  for (const std::string& secret : {std::string(kSecret), other, spelt("whpk_", kPublic)})
    EXPECT_TRUE(verified(all, kSent, secret)) << secret;
}

TEST(Sign, AnEd25519KeyIsASeedOrASeedWithItsPublicHalf) {
  const std::string both = std::string(kSeed) + std::string(kPublic);
  const std::string by_seed = Signer::make(spelt("whsk_", kSeed))->sign(kId, kSent, kBody);
  EXPECT_EQ(by_seed, Signer::make(spelt("whsk_", both))->sign(kId, kSent, kBody));
  EXPECT_EQ(by_seed.find("v1a,"), 0u);
  EXPECT_TRUE(verified(by_seed, kSent, spelt("whpk_", kPublic)));
  EXPECT_NE(fault(spelt("whsk_", std::string(kSeed) + std::string(kSeed))), "");
}

TEST(Sign, ARetryHasANewTimestampAndSoANewSignature) {
  EXPECT_EQ(Signer::make(kSecret)->sign(kId, kSent + 5, kBody),
            "v1,IFrHNvFdSlxTmO/uOkpKdCwyVAkNxveF9T56NbTULfE=");
}

TEST(Sign, AFaultySecretIsNamedButNeverShown) {
  const std::vector<std::string> faulty = {
      "",
      " ",
      "whsec_",
      "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_",
      spelt("whsec_", std::string(23, 'k')),
      spelt("whsec_", std::string(65, 'k')),
      spelt("whsk_", std::string(31, 'k')),
      spelt("whpk_", kPublic),
      std::string(kSecret) + " whsec_",
  };
  for (const std::string& each : faulty) {
    const std::string what = fault(each);
    EXPECT_EQ(what.find("secret: "), 0u) << each;
    for (size_t at = 6; at + 8 <= each.size(); ++at)
      EXPECT_EQ(what.find(each.substr(at, 8)), what.npos) << what;
  }
}

TEST(Verify, OneRightSignatureOfTheListIsEnough) {
  EXPECT_TRUE(verified("v2,AAAA v1,AAAA " + std::string(kSignature) + " v1,BBBB"));
  for (const char* signatures : {"", " ", "v1,", "v1", "v1,AAAA", "v1,****",
                                 "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                                 "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                                 "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="})
    EXPECT_FALSE(verified(signatures)) << signatures;
}

TEST(Verify, ATimestampIsWithinFiveMinutes) {
  for (const int64_t away : {-300, 0, 300}) EXPECT_TRUE(verified(kSignature, kSent + away)) << away;
  for (const int64_t away : {-301, 301}) {
    const base::Status got = verified(kSignature, kSent + away);
    ASSERT_FALSE(got) << away;
    EXPECT_EQ(got.error().field, "webhook-timestamp");
  }
}

TEST(Verify, WhateverIsChangedIsNoticed) {
  const std::string sent = std::to_string(kSent);
  EXPECT_TRUE(verify(kSecret, kId, sent, kSignature, kBody, at(kSent)));
  EXPECT_FALSE(verify(kSecret, "msg_2", sent, kSignature, kBody, at(kSent)));
  EXPECT_FALSE(verify(kSecret, "", sent, kSignature, kBody, at(kSent)));
  EXPECT_FALSE(verify(kSecret, kId, std::to_string(kSent + 1), kSignature, kBody, at(kSent)));
  EXPECT_FALSE(verify(kSecret, kId, "", kSignature, kBody, at(kSent)));
  EXPECT_FALSE(verify(kSecret, kId, "soon", kSignature, kBody, at(kSent)));
  EXPECT_FALSE(verify(kSecret, kId, sent, kSignature, "{}", at(kSent)));
  EXPECT_FALSE(
      verify(spelt("whsec_", std::string(24, 'k')), kId, sent, kSignature, kBody, at(kSent)));
  EXPECT_FALSE(verify("whsk_AAAA", kId, sent, kSignature, kBody, at(kSent)));
  EXPECT_FALSE(verify("", kId, sent, kSignature, kBody, at(kSent)));
}

TEST(Verify, ADotInAnIdCannotMoveTheBordersOfWhatIsSigned) {
  const std::string signature = Signer::make(kSecret)->sign("m", 1, "2.x");
  EXPECT_TRUE(verify(kSecret, "m", "1", signature, "2.x", at(1)));
  EXPECT_FALSE(verify(kSecret, "m.1", "2", signature, "x", at(1)));
}

}  // namespace
}  // namespace dispatch

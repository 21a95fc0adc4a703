#include "command/http_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "command/http_bed.h"

namespace command {
namespace {

using ::testing::HasSubstr;

constexpr BodyShape kAnyRecord = {
    BodyShape::Kind::kRecord,
    kBodyDomain | kBodyDescriptors | kBodyCost | kBodyTtlMs | kBodyWaitMs | kBodyDryRun,
    kBodyDomain};
constexpr BodyShape kAnyList = {BodyShape::Kind::kRecords, kAnyRecord.fields, kBodyDomain};

// "field: text" of the error that a body meets; "syntax: text"; empty: it is good.
std::string fault_of(std::string_view text, const BodyShape& shape = kAnyRecord) {
  Bodies bodies;
  if (const base::Status syntax = bodies.parse(text); !syntax) {
    return "syntax: " + syntax.error().what;
  }
  const base::Status status = bodies.decode(shape);
  return status ? "" : status.error().field + ": " + status.error().what;
}

std::string descriptors(std::string_view list) {
  return R"({"domain":"d","descriptors":)" + std::string(list) + "}";
}

TEST(HttpBody, BothFormsOfADescriptorAreRead) {
  Bodies bodies;
  const std::string text =
      descriptors(R"([[["tenant","acme"],["pa\u0074h","/\"x\u00e9"]],)"
                  R"({"entries":[{"value":"v","key":"k"},{"key":"e","value":""}]}])");
  ASSERT_TRUE(bodies.parse(text));
  ASSERT_TRUE(bodies.decode(kAnyRecord));
  const limiter::Ask& ask = bodies.all()[0].ask;
  EXPECT_EQ(ask.domain, "d");
  EXPECT_EQ(ask.cost, 1);
  ASSERT_EQ(ask.descriptors.size(), 2u);
  EXPECT_EQ(limiter::to_string(ask.descriptors[0]), "tenant=acme,path=/\"xé");
  EXPECT_EQ(limiter::to_string(ask.descriptors[1]), "k=v,e=");
}

TEST(HttpBody, AListKeepsItsOrderAndItsOwnDescriptors) {
  Bodies bodies;
  std::string text = "[";
  for (int i = 0; i < 1000; ++i) {
    text.append(i == 0 ? "" : ",").append(descriptors("[[[\"k\",\"" + std::to_string(i) + "\"]]]"));
  }
  text += "]";
  ASSERT_TRUE(bodies.parse(text));
  ASSERT_TRUE(bodies.decode(kAnyList));
  ASSERT_EQ(bodies.all().size(), 1000u);
  for (size_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(bodies.all()[i].ask.descriptors[0][0].value, std::to_string(i));
  }
}

TEST(HttpBody, MoreThanAThousandDecisionsAreRefused) {
  std::string text = "[";
  for (int i = 0; i < 1001; ++i) text.append(i == 0 ? "" : ",").append(R"({"domain":"d"})");
  EXPECT_EQ(fault_of(text + "]", kAnyList), ": the body must have 0 to 1000 objects, not 1001");
}

TEST(HttpBody, AnErrorNamesTheFieldAtFault) {
  EXPECT_EQ(fault_of("{}"), "domain: domain is missing");
  EXPECT_EQ(fault_of("[]"), ": the body must be an object");
  EXPECT_EQ(fault_of("5"), ": the body must be an object");
  EXPECT_EQ(fault_of("{}", kAnyList), ": the body must be a list of objects");
  EXPECT_EQ(fault_of(R"([{"domain":"d"},7])", kAnyList), "[1]: [1] must be an object");
  EXPECT_EQ(fault_of(R"([{"domain":"d"},{}])", kAnyList), "[1].domain: [1].domain is missing");
  EXPECT_EQ(fault_of(R"([{"domain":"d","cost":"1"}])", kAnyList).substr(0, 8), "[0].cost");
  EXPECT_EQ(fault_of(R"({"domain":5})"), "domain: domain must be a string");
  EXPECT_EQ(fault_of(R"({"domain":null})"), "domain: domain must be a string");
  EXPECT_EQ(fault_of(R"({"domain":"d","tenant":1})"), "tenant: tenant is no field of this call");
  EXPECT_EQ(fault_of(R"({"domain":"d","ms":1})"), "ms: ms is no field of this call");
  EXPECT_EQ(fault_of(R"({"domain":"d","dry_run":1})"), "dry_run: dry_run must be true or false");
}

TEST(HttpBody, AFieldGivenTwiceIsRefused) {
  EXPECT_EQ(fault_of(R"({"domain":"a","domain":"b"})"), "domain: domain is given twice");
  EXPECT_EQ(fault_of(R"({"domain":"a","d\u006fmain":"b"})"), "domain: domain is given twice");
  EXPECT_EQ(fault_of(descriptors(R"([{"entries":[{"key":"a","key":"b"}]}])")),
            "descriptors[0].entries[0].key: descriptors[0].entries[0].key is given twice");
  EXPECT_THAT(fault_of(descriptors(R"([{"entries":[],"entries":[]}])")), HasSubstr("entries"));
}

TEST(HttpBody, ABadDescriptorIsNamedByItsPlace) {
  const auto fault = [](std::string_view list) {
    const std::string whole = fault_of(descriptors(list));
    return whole.substr(0, whole.find(':'));
  };
  EXPECT_EQ(fault("{}"), "descriptors");
  EXPECT_EQ(fault("[]"), "descriptors");
  EXPECT_EQ(fault("[7]"), "descriptors[0]");
  EXPECT_EQ(fault("[[]]"), "descriptors[0]");
  EXPECT_EQ(fault("[{}]"), "descriptors[0]");
  EXPECT_EQ(fault(R"([{"entry":[]}])"), "descriptors[0]");
  EXPECT_EQ(fault(R"([{"entries":{}}])"), "descriptors[0].entries");
  EXPECT_EQ(fault(R"([{"entries":[]}])"), "descriptors[0].entries");
  EXPECT_EQ(fault(R"([{"entries":[["k","v"]]}])"), "descriptors[0].entries[0]");
  EXPECT_EQ(fault(R"([{"entries":[{"key":"k"}]}])"), "descriptors[0].entries[0]");
  EXPECT_EQ(fault(R"([{"entries":[{"key":"","value":""}]}])"), "descriptors[0].entries[0].key");
  EXPECT_EQ(fault(R"([{"entries":[{"key":"k","value":1}]}])"), "descriptors[0].entries[0].value");
  EXPECT_EQ(fault(R"([{"entries":[{"key":"k","value":"","x":1}]}])"),
            "descriptors[0].entries[0].x");
  EXPECT_EQ(fault(R"([["k","v"]])"), "descriptors[0][0]");
  EXPECT_EQ(fault(R"([[["k","v"],["k"]]])"), "descriptors[0][1]");
  EXPECT_EQ(fault(R"([[["k","v","w"]]])"), "descriptors[0][0]");
  EXPECT_EQ(fault(R"([[["k","v"]],[["","v"]]])"), "descriptors[1][0][0]");
  EXPECT_EQ(fault(R"([[["k",["v"]]]])"), "descriptors[0][0][1]");
  EXPECT_EQ(fault(R"([[[["k"],"v"]]])"), "descriptors[0][0][0]");
}

TEST(HttpBody, AsManyDescriptorsAndEntriesAsTheBoundAndNoMore) {
  const auto repeated = [](std::string_view item, size_t times) {
    std::string list = "[";
    for (size_t i = 0; i < times; ++i) list.append(i == 0 ? "" : ",").append(item);
    return list + "]";
  };
  const std::string pair = R"(["k","v"])";
  const std::string descriptor = repeated(pair, limiter::kEntriesMax);
  EXPECT_EQ(fault_of(descriptors(repeated(descriptor, limiter::kDescriptorsMax))), "");
  EXPECT_EQ(fault_of(descriptors(repeated(descriptor, 33))),
            "descriptors: descriptors must have 1 to 32 descriptors, not 33");
  EXPECT_EQ(fault_of(descriptors(repeated("[" + pair + "]", 300))),
            "descriptors: descriptors must have 1 to 32 descriptors, not 300");
  EXPECT_EQ(fault_of(descriptors("[" + repeated(pair, 17) + "]")),
            "descriptors[0]: descriptors[0] must have 1 to 16 entries, not 17");
}

TEST(HttpBody, NumbersAreIntegersWithinTheirBounds) {
  const auto cost = [](std::string_view number) {
    return fault_of(R"({"domain":"d","cost":)" + std::string(number) + "}");
  };
  const std::string refused = "cost: cost must be an integer between 0 and 9223372036854775807";
  EXPECT_EQ(cost("0"), "");
  EXPECT_EQ(cost("9223372036854775807"), "");
  for (const char* number : {"5.0", "1e3", "15231.0", "0.5e1", "-0.0", "9007199254740993.0"}) {
    EXPECT_EQ(cost(number), "") << number;
  }
  for (const char* number : {"-1", "9223372036854775808", "18446744073709551616",
                             "9223372036854775808.0", "5.5", "1e300", "1e400", "1e-400", "1e-3",
                             "123456789012345678901234567890", "\"5\"", "true", "[]"}) {
    EXPECT_EQ(cost(number), refused) << number;
  }
  EXPECT_EQ(fault_of(R"({"domain":"d","ttl_ms":0})"),
            "ttl_ms: ttl_ms must be an integer between 1 and 43200000");
  EXPECT_EQ(fault_of(R"({"domain":"d","wait_ms":0})"), "");
  EXPECT_EQ(fault_of(R"({"domain":"d","wait_ms":300000})"), "");
  EXPECT_EQ(fault_of(R"({"domain":"d","wait_ms":300001})"),
            "wait_ms: wait_ms must be an integer between 0 and 300000");
}

TEST(HttpBody, AnIntegerMayBeSpelledAsANumber) {
  Bodies bodies;
  ASSERT_TRUE(bodies.parse(R"([{"domain":"d","cost":15231.0},{"domain":"d","cost":12e2}])"));
  ASSERT_TRUE(bodies.decode(kAnyList));
  EXPECT_EQ(bodies.all()[0].ask.cost, 15231);
  EXPECT_EQ(bodies.all()[1].ask.cost, 1200);
}

TEST(HttpBody, BrokenSyntaxSaysWhere) {
  EXPECT_EQ(fault_of(""), "syntax: the body is empty");
  EXPECT_EQ(fault_of(R"({"domain":"d"} x)").substr(0, 16), "syntax: no JSON:");
  EXPECT_THAT(fault_of(R"({"domain":"d",})"), HasSubstr(" at byte 14"));
  EXPECT_THAT(fault_of(R"({"domain":)"), HasSubstr("syntax"));
  EXPECT_THAT(fault_of("{\"domain\":\"\xff\"}"), HasSubstr("syntax"));
  EXPECT_THAT(fault_of(R"({"domain":"\ud800"})"), HasSubstr("syntax"));
  EXPECT_THAT(fault_of("{\"domain\":\"d\"}// c"), HasSubstr("syntax"));
  EXPECT_THAT(fault_of(R"({"cost":01})"), HasSubstr("syntax"));
  EXPECT_THAT(fault_of(R"({"cost":NaN})"), HasSubstr("syntax"));
}

TEST(HttpBody, NestingIsBounded) {
  EXPECT_THAT(fault_of(std::string(100'000, '[')), HasSubstr("nested deeper than 16"));
  EXPECT_THAT(fault_of(R"({"a":)" + std::string(100'000, '{')), HasSubstr("syntax"));
  const std::string deepest = std::string(16, '[') + std::string(16, ']');
  EXPECT_EQ(fault_of(deepest), ": the body must be an object");
}

TEST(HttpBody, ALongNameIsCutBetweenTwoCharacters) {
  std::string name;
  for (int i = 0; i < 1000; ++i) name += "é";
  const std::string fault = fault_of("{\"" + name + "\":1}");
  EXPECT_LT(fault.size(), 300u);
  EXPECT_THAT(fault, HasSubstr("éé…: éé"));
}

TEST(HttpBody, TextsWithEscapesOfAnyKindSurvive) {
  Bodies bodies;  // Reused, as a server does.
  const auto survives = [&bodies](const std::string& value) {
    const std::string text =
        descriptors("[[[\"k\"," + boost::json::serialize(boost::json::string(value)) + "]]]");
    RC_ASSERT(bodies.parse(text).has_value());
    RC_ASSERT(bodies.decode(kAnyRecord).has_value());
    RC_ASSERT(bodies.all()[0].ask.descriptors[0][0].value == value);
    bodies.clear();
  };
  rc::check([&survives](const std::vector<uint8_t>& bytes) {
    std::string value;
    for (const uint8_t byte : bytes) value += static_cast<char>(byte & 0x7f);
    survives(value);
    survives(value + std::string(3000, 'x') + "\n\"é\t" + value);
  });
}

}  // namespace
}  // namespace command

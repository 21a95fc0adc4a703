#include "gateway/templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "gateway/text.h"
#include "protocol/json_text.h"

namespace gateway {
namespace {

// What a request that has these fields makes of a template; "-": it does not apply.
std::string rendered(std::string_view text, std::vector<proxy::Field> fields = {},
                     std::string_view path = "/search") {
  const base::Result<DescriptorTemplate> parsed = DescriptorTemplate::parse(text);
  if (!parsed) return "error " + parsed.error().field;
  proxy::Head head;
  head.method = "GET";
  head.host = "a.example";
  head.fields = std::move(fields);
  Rendering rendering;
  const Facts facts{.head = head, .client = "192.0.2.1", .path = path};
  const auto descriptors = render(std::span(&*parsed, 1), facts, rendering);
  return descriptors.empty() ? "-" : limiter::to_string(descriptors[0]);
}

TEST(Templates, PlaceholdersAreWhatTheRequestSays) {
  EXPECT_EQ(rendered("client_ip={client_ip}"), "client_ip=192.0.2.1");
  EXPECT_EQ(rendered("tenant=x,path={path}"), "tenant=x,path=/search");
  EXPECT_EQ(rendered("call={method} {host}{path}"), "call=GET%20a.example/search");
  EXPECT_EQ(rendered("tenant={header:X-Tenant}", {{"x-tenant", "acme"}}), "tenant=acme");
}

TEST(Templates, WithoutAValueADescriptorDoesNotApply) {
  EXPECT_EQ(rendered("tenant={header:X-Tenant}"), "-");
  EXPECT_EQ(rendered("tenant={header:X-Tenant}", {{"X-Tenant", ""}}), "-");
  EXPECT_EQ(rendered("a=1,tenant=t-{header:X-Tenant}"), "-");
}

TEST(Templates, TheOthersStillApply) {
  const DescriptorTemplate templates[] = {*DescriptorTemplate::parse("a={header:A}"),
                                          *DescriptorTemplate::parse("b=1,c={header:C}"),
                                          *DescriptorTemplate::parse("d={path}")};
  proxy::Head head;
  head.fields = {{"A", "x"}};
  Rendering rendering;
  for (int i = 0; i < 3; ++i) {  // Used again and again.
    const auto out = render(templates, {.head = head, .client = {}, .path = "/p"}, rendering);
    ASSERT_EQ(out.size(), 2u);
    EXPECT_EQ(limiter::to_string(out[0]), "a=x");
    EXPECT_EQ(limiter::to_string(out[1]), "d=/p");
  }
}

TEST(Templates, AValueAddsNoEntry) {
  EXPECT_EQ(rendered("tenant={header:T},path={path}", {{"T", "a,path=/x"}}),
            limiter::to_string(
                std::vector<limiter::Entry>{{"tenant", "a,path=/x"}, {"path", "/search"}}));
  EXPECT_EQ(rendered("tenant={header:T}", {{"T", "{path}%41"}}),
            limiter::to_string(std::vector<limiter::Entry>{{"tenant", "{path}%41"}}));
}

TEST(Templates, LiteralsArePercentDecoded) {
  EXPECT_EQ(rendered("a%2Cb=c%3d%7B%20d"),
            limiter::to_string(std::vector<limiter::Entry>{{"a,b", "c={ d"}}));
  EXPECT_EQ(rendered("a=100%"), limiter::to_string(std::vector<limiter::Entry>{{"a", "100%"}}));
}

TEST(Templates, BytesThatAreNoUtf8AreSpelled) {
  const auto of = [](const char* value) { return rendered("t={header:T}", {{"T", value}}); };
  EXPECT_EQ(of("caf\xc3\xa9"),
            limiter::to_string(std::vector<limiter::Entry>{{"t", "caf\xc3\xa9"}}));
  EXPECT_EQ(of("a\xff"), limiter::to_string(std::vector<limiter::Entry>{{"t", "a%FF"}}));
}

TEST(Templates, ErrorsNameTheField) {
  for (const char* bad : {"", "a", "=x", "a=", "a={", "a=}", "a={}", "a={header:}", "a={tenant}",
                          "a=1,", "a=1,,b=2", "a=x{path",
                          "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10,"
                          "k=11,l=12,m=13,n=14,o=15,p=16,q=17"}) {
    EXPECT_EQ(rendered(bad), "error descriptors") << bad;
  }
}

RC_GTEST_PROP(Templates, WhateverAClientSendsIsOneEntryOfUtf8, (const std::string& value)) {
  const std::string out = rendered("t={header:T}", {{"T", value}});
  RC_ASSERT((out == "-") == value.empty());
  RC_ASSERT(protocol::valid_utf8(out));
  RC_ASSERT(out.find(',') == std::string::npos);
}

}  // namespace
}  // namespace gateway

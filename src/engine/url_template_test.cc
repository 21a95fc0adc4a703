#include "engine/url_template.h"

#include <gtest/gtest.h>

#include "queue/settings.h"

namespace engine {
namespace {

std::string render(std::string_view text, std::vector<Header> headers = {}) {
  const auto made = UrlTemplate::make(text);
  return made ? made->render("mails", "a/b?c", headers) : "refused: " + made.error().what;
}

TEST(UrlTemplate, PartsBehindTheStartArePercentEncoded) {
  EXPECT_EQ(render("https://x.test/{queue}/{key}?h={header:H}", {{"h", "\xC3\xA9 &"}}),
            "https://x.test/mails/a%2Fb%3Fc?h=%C3%A9%20%26");
}

TEST(UrlTemplate, APartAtTheStartBringsTheWholeUrlAlong) {
  EXPECT_EQ(render("{header:url}", {{"URL", "http://h.test:81/p?q=1"}}), "http://h.test:81/p?q=1");
  EXPECT_EQ(render("{header:url}/{key}", {{"url", "http://h.test"}}), "http://h.test/a%2Fb%3Fc");
}

TEST(UrlTemplate, AnAbsentOrEmptyPartLeavesNoUrl) {
  EXPECT_EQ(render("{header:url}"), "");
  EXPECT_EQ(render("https://x.test/{header:tenant}", {{"tenant", ""}}), "");
}

TEST(UrlTemplate, WhatIsNoTemplateIsRefusedInWords) {
  for (const char* text :
       {"", "example.com", "ftp://x", "https://x/{", "https://x/}", "https://x/{host}",
        "https://x/{header:}", "https://x/ y", "https://x/\n", "https://x\\y", "https://\xC3\xA9/"})
    EXPECT_FALSE(UrlTemplate::make(text)) << text;
  const std::string at_bound = "http://x/" + std::string(queue::kPushUrlBytesMax - 9, 'a');
  EXPECT_TRUE(UrlTemplate::make(at_bound));
  EXPECT_FALSE(UrlTemplate::make(at_bound + 'a'));
  EXPECT_EQ(UrlTemplate::make("https://x/{hots}").error().what,
            "a URL's template knows {queue}, {key} and {header:NAME}, not '{hots}'");
}

}  // namespace
}  // namespace engine

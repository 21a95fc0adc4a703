#include "gateway/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gateway {
namespace {

std::string normal(std::string_view path) {
  std::string scratch;
  return std::string(normal_path(path, scratch));
}

Route route(std::string path, std::string host = "", std::string upstream = "http://u:9000") {
  Route out;
  out.path = std::move(path);
  out.host = std::move(host);
  out.upstream = std::move(upstream);
  return out;
}

std::string field_of_error(Route with) {
  Options options;
  options.routes = {std::move(with)};
  const base::Result<Routes> routes = Routes::make(options);
  return routes ? "none" : routes.error().field;
}

TEST(Routes, OtherSpellingsOfAPathAreThatPath) {
  const std::pair<const char*, const char*> spellings[] = {
      {"/", "/"},
      {"/api/x", "/api/x"},
      {"/api/", "/api/"},
      {"//api///x", "/api/x"},
      {"/%61pi/%78", "/api/x"},
      {"/./api/./x", "/api/x"},
      {"/a/../api/x", "/api/x"},
      {"/a/b/%2e%2E/../api", "/api"},
      {"/../../api", "/api"},
      {"/api/..", "/"},
      {"/api/.", "/api/"},
      {"/api/x/..", "/api/"},
      {"/.well-known/x", "/.well-known/x"},
      {"/...", "/..."},
      {"/a%2fb", "/a%2Fb"},
      {"/a%zz%", "/a%zz%"},
      {"/a%252e", "/a%252e"},
      {"/caf%c3%a9", "/caf%C3%A9"},
  };
  for (const auto& [path, expected] : spellings) EXPECT_EQ(normal(path), expected) << path;
}

TEST(Routes, WhatIsNormalStaysSo) {
  for (const char* path : {"/../a/./b//c/%2e/%41", "/%2e%2e/", "//", "/a/../..//b/", "/%7E/%2F"}) {
    const std::string once = normal(path);
    EXPECT_EQ(normal(once), once) << path;
    EXPECT_EQ(once.find("//"), std::string::npos) << path;
    EXPECT_EQ(once.find("/../"), std::string::npos) << path;
  }
}

TEST(Routes, TheLongestPathWinsThenOneWithAHost) {
  Options options;
  options.routes = {route("/"), route("/api"), route("/api/v2/"), route("/", "a.example"),
                    route("/api", "a.example")};
  const base::Result<Routes> routes = Routes::make(options);
  ASSERT_TRUE(routes);
  const auto found = [&](std::string_view host, std::string_view path) {
    const Routes::Row* row = routes->find(host, path);
    return row == nullptr ? "none" : row->host + " " + row->path;
  };
  EXPECT_EQ(found("b.example", "/"), " ");
  EXPECT_EQ(found("b.example", "/x"), " ");
  EXPECT_EQ(found("b.example", "/api"), " /api");
  EXPECT_EQ(found("b.example", "/api/"), " /api");
  EXPECT_EQ(found("b.example", "/apis"), " ");
  EXPECT_EQ(found("b.example", "/api/v2"), " /api/v2");
  EXPECT_EQ(found("a.example", "/x"), "a.example ");
  EXPECT_EQ(found("a.example", "/api/x"), "a.example /api");
  EXPECT_EQ(found("a.example", "/api/v2/x"), " /api/v2");
  EXPECT_EQ(found("a.example:80", "/x"), "a.example ");
  EXPECT_EQ(found("a.example.", "/x"), "a.example ");
  EXPECT_EQ(found("a.example:8080", "/x"), " ");
}

TEST(Routes, NothingIsFoundWhereNothingLeads) {
  Options options;
  options.routes = {route("/api"), route("/", "a.example")};
  const base::Result<Routes> routes = Routes::make(options);
  ASSERT_TRUE(routes);
  EXPECT_EQ(routes->find("b.example", "/"), nullptr);
  EXPECT_NE(routes->find("a.example", "/"), nullptr);
}

TEST(Routes, ErrorsNameTheField) {
  EXPECT_EQ(field_of_error(route("/ok")), "none");
  EXPECT_EQ(field_of_error(route("/hash", "", "")), "none");
  EXPECT_EQ(field_of_error(route("")), "path");
  EXPECT_EQ(field_of_error(route("api")), "path");
  EXPECT_EQ(field_of_error(route("/health")), "path");
  EXPECT_EQ(field_of_error(route("/rate_limiters/")), "path");
  EXPECT_EQ(field_of_error(route("/a", "", "ftp://x")), "upstream");
  EXPECT_EQ(field_of_error(route("/a", "", "https://x")), "upstream");
  EXPECT_EQ(field_of_error(route("/a", "", "http://x/path")), "upstream");
  EXPECT_EQ(field_of_error(route("/a", "", "http://x/")), "none");
  Route limited = route("/a");
  limited.decide = Decide{"", {"path={path}"}};
  EXPECT_EQ(field_of_error(limited), "domain");
  limited.decide = Decide{"api", {}};
  EXPECT_EQ(field_of_error(limited), "descriptors");
  limited.decide = Decide{"api", {"path={nothing}"}};
  EXPECT_EQ(field_of_error(limited), "descriptors");
  Options twice;
  twice.routes = {route("/a", "h"), route("/a/", "h")};
  EXPECT_EQ(Routes::make(twice).error().field, "path");
}

}  // namespace
}  // namespace gateway

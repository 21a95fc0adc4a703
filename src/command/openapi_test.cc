#include "command/openapi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "command/http_bed.h"
#include "command/http_route.h"

namespace command {
namespace {

boost::json::object document(Listener listener) {
  return boost::json::parse(openapi_document(listener, "1.2.3")).as_object();
}

// "POST /v1/check" of each operation.
std::set<std::string> operations(const boost::json::object& document) {
  std::set<std::string> found;
  for (const auto& path : document.at("paths").as_object()) {
    for (const auto& operation : path.value().as_object()) {
      if (operation.key() == "parameters") continue;
      std::string method(operation.key());
      for (char& c : method) c = static_cast<char>(c & ~0x20);
      found.insert(method + " " + std::string(path.key()));
    }
  }
  return found;
}

void collect_references(const boost::json::value& value, std::set<std::string>& into) {
  if (value.is_array()) {
    for (const auto& item : value.as_array()) collect_references(item, into);
  }
  if (!value.is_object()) return;
  for (const auto& member : value.as_object()) {
    if (member.key() == "$ref") into.insert(member.value().as_string().c_str());
    collect_references(member.value(), into);
  }
}

TEST(OpenApi, HasEveryRouteOfItsListenerAndNoOther) {
  for (const auto& [listener, bit] :
       {std::pair(Listener::kApi, kOnApi), std::pair(Listener::kLimiter, kOnLimiter)}) {
    std::set<std::string> routed;
    for (const Route& route : routes()) {
      if ((route.listeners & bit) != 0) {
        routed.insert(std::string(route.method) + " " + std::string(route.path));
      }
    }
    EXPECT_EQ(operations(document(listener)), routed);
  }
}

TEST(OpenApi, EveryDocumentedOperationIsAnswered) {
  HttpBed bed;
  for (const std::string& operation : operations(document(Listener::kApi))) {
    const size_t space = operation.find(' ');
    std::string path = operation.substr(space + 1);
    if (const size_t open = path.find('{'); open != std::string::npos) {
      path.replace(open, path.find('}') - open + 1, "x");
    }
    const Asked asked = bed.ask(operation.substr(0, space), path, "{}");
    EXPECT_NE(asked.status, 405) << operation;
    EXPECT_EQ(asked.body.find("no such path"), std::string::npos) << operation;
  }
}

TEST(OpenApi, EveryReferenceIsDefinedAndEverySchemaUsed) {
  const boost::json::object whole = document(Listener::kApi);
  std::set<std::string> used;
  collect_references(whole, used);
  std::set<std::string> defined;
  for (const auto& kind : whole.at("components").as_object()) {
    for (const auto& item : kind.value().as_object()) {
      defined.insert("#/components/" + std::string(kind.key()) + "/" + std::string(item.key()));
    }
  }
  EXPECT_EQ(used, defined);
}

TEST(OpenApi, OperationNamesAreUniqueAndStatusesSorted) {
  std::set<std::string_view> names;
  for (const Route& route : routes()) {
    EXPECT_TRUE(names.insert(route.name).second) << route.name;
    EXPECT_TRUE(std::ranges::is_sorted(route.problems)) << route.name;
  }
}

TEST(OpenApi, IsServedByEachListener) {
  HttpBed bed;
  EXPECT_EQ(bed.ask("GET", "/v1/openapi.json").body, openapi_document(Listener::kApi, "1.2.3"));
  bed.listener = Listener::kLimiter;
  EXPECT_EQ(bed.ask("GET", "/v1/openapi.json").body, openapi_document(Listener::kLimiter, "1.2.3"));
}

}  // namespace
}  // namespace command
